import math

import pytest
import torch
from torch.nn import functional as F

from acutance_models import LOSSES, LossError, RegistryError, Verdict

REAL, FAKE = [[2.0], [-1.0]], [[0.5], [-3.0]]
FORMS = ("standard", "relativistic", "least_squares", "hinge")


def sigmoid(x):
    return 1 / (1 + math.exp(-x))


def entropy(logit, label):
    return -math.log(sigmoid(logit) if label else 1 - sigmoid(logit))


def build(form, **arguments):
    spec = {"kind": "adversarial", "form": form, "discriminator": {"kind": "vgg"}}
    return LOSSES.build({**spec, **arguments})


def verdicts(real=REAL, fake=FAKE):
    return [Verdict(torch.tensor(each, requires_grad=True)) for each in (real, fake)]


def losses(form, **arguments):
    loss, (real, fake) = build(form, **arguments), verdicts()
    of_generator = loss.generator_loss(real if loss.compares else None, fake, None)
    return float(of_generator.detach()), float(loss.discriminator_loss(real, fake, None).detach())


def test_standard_labels_real_one_and_generated_zero_without_halving():
    generator = (entropy(0.5, 1) + entropy(-3, 1)) / 2
    discriminator = (entropy(2, 1) + entropy(-1, 1)) / 2 + (entropy(0.5, 0) + entropy(-3, 0)) / 2
    assert losses("standard") == pytest.approx((generator, discriminator), rel=1e-6)


def test_relativistic_compares_with_the_mean_of_the_other_kind_and_halves_both():
    mean_real, mean_fake = 0.5, -1.25
    swapped = [
        (entropy(2 - mean_fake, label) + entropy(-1 - mean_fake, label)) / 2
        + (entropy(0.5 - mean_real, 1 - label) + entropy(-3 - mean_real, 1 - label)) / 2
        for label in (0, 1)
    ]
    assert losses("relativistic") == pytest.approx([each / 2 for each in swapped], rel=1e-6)


def test_least_squares_and_hinge_are_their_formulas():
    assert losses("least_squares") == pytest.approx(
        ((0.25 + 16) / 2 / 2, ((1 + 4) / 2 + (0.25 + 9) / 2) / 2)
    )
    assert losses("hinge") == pytest.approx((1.25, (0 + 2) / 2 + (1.5 + 0) / 2))


def test_the_discriminators_factor_reaches_its_loss_alone():
    for form in FORMS:
        plain, scaled = losses(form), losses(form, discriminator_factor=1e-3)
        assert scaled == pytest.approx((plain[0], plain[1] * 1e-3), rel=1e-6)


def test_relativistic_gradients_are_those_by_hand():
    loss, (real, fake) = build("relativistic"), verdicts()
    loss.generator_loss(real, fake, None).backward()
    assert real.logits.grad is None  # detached in the generator's step
    # L = (BCE(r - mean f, 0) + BCE(f - mean r, 1)) / 2 over two pictures each:
    # dL/df_i = (-mean_j sigmoid(r_j - mean f) / 2 + (sigmoid(f_i - mean r) - 1) / 2) / 2
    through_mean = -(sigmoid(2 + 1.25) + sigmoid(-1 + 1.25)) / 2 / 2
    by_hand = [(through_mean + (sigmoid(each - 0.5) - 1) / 2) / 2 for each in (0.5, -3)]
    assert fake.logits.grad.flatten().tolist() == pytest.approx(by_hand, rel=1e-5)


@pytest.mark.parametrize("detach", [True, False])
def test_the_means_of_the_discriminators_step_are_constants_or_not(detach):
    loss, (real, fake) = build("relativistic", detach_means=detach), verdicts()
    loss.discriminator_loss(real, fake, None).backward()
    # Without the means' gradient each logit answers for itself alone.
    own = [(sigmoid(each + 1.25) - 1) / 2 / 2 for each in (2, -1)]
    through_mean = -(sigmoid(0.5 - 0.5) + sigmoid(-3 - 0.5)) / 2 / 2 / 2
    wanted = own if detach else [each + through_mean for each in own]
    assert real.logits.grad.flatten().tolist() == pytest.approx(wanted, rel=1e-5)


@pytest.mark.parametrize("form", FORMS)
def test_the_generator_raises_its_logits_and_the_discriminator_lowers_them(form):
    loss, (real, fake) = build(form), verdicts()
    loss.generator_loss(real, fake, None).backward()
    assert (fake.logits.grad < 0).all()
    real, fake = verdicts([[0.2], [0.3]], [[0.4], [0.1]])
    loss.discriminator_loss(real, fake, None).backward()
    assert (fake.logits.grad > 0).all()
    assert (real.logits.grad < 0).all()


def test_verdicts_on_places_count_each_place():
    loss = build("standard")
    real, fake = (Verdict(torch.randn(2, 1, 3, 4)) for _ in range(2))
    flat = [Verdict(each.logits.reshape(-1, 1)) for each in (real, fake)]
    assert loss.discriminator_loss(real, fake, None) == loss.discriminator_loss(*flat, None)


def test_statistics_are_accuracies_and_the_gap():
    wanted = {
        "standard": (0.5, 0.5),  # real 2, -1; generated 0.5, -3; told apart at 0
        "hinge": (0.5, 0.5),
        "least_squares": (0.5, 1.0),  # at 0.5, which itself is generated
        "relativistic": (1.0, 1.0),  # real above mean -1.25, generated at most at mean 0.5
    }
    for form, (on_real, on_fake) in wanted.items():
        found = build(form).statistics(*verdicts())
        assert {name: float(value) for name, value in found.items()} == {
            "accuracy_real": on_real,
            "accuracy_fake": on_fake,
            "logit_gap": 1.75,
        }
        assert not any(value.requires_grad for value in found.values())


def test_classification_leaves_background_out():
    loss = LOSSES.build({"kind": "classification", "of": "adversarial"})
    logits = torch.randn(3, 8, requires_grad=True)
    fake, labels = Verdict(torch.zeros(3, 1), logits), torch.tensor([3, 0, 7])
    value = loss.generator_loss(None, fake, labels)
    assert float(value.detach()) == pytest.approx(
        float(F.cross_entropy(logits[[0, 2]], labels[[0, 2]]).detach())
    )
    value.backward()
    assert not logits.grad[1].any()
    assert logits.grad[0].any()
    real = Verdict(torch.zeros(3, 1), torch.randn(3, 8))
    both = value + loss.generator_loss(None, real, labels)
    summed = loss.discriminator_loss(real, fake, labels)
    assert float(summed.detach()) == pytest.approx(float(both.detach()))


def test_a_batch_that_is_all_background_counts_nothing():
    loss = LOSSES.build({"kind": "classification", "of": "adversarial"})
    logits = torch.randn(2, 8, requires_grad=True)
    value = loss.generator_loss(None, Verdict(torch.zeros(2, 1), logits), torch.tensor([0, 0]))
    value.backward()
    assert float(value.detach()) == 0
    assert not logits.grad.any()


def test_what_a_term_needs_is_asked_for():
    loss = LOSSES.build({"kind": "classification", "of": "adversarial"})
    with pytest.raises(LossError, match="needs the class of each picture"):
        loss.generator_loss(None, Verdict(torch.zeros(2, 1), torch.zeros(2, 8)), None)
    with pytest.raises(RegistryError, match="both `features` and `layer`"):
        build("standard", layer="relu5_4")
    with pytest.raises(RegistryError, match="factor on features"):
        build("standard", scale=0.5)
