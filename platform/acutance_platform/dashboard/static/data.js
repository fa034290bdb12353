// A sample whose pixels cannot be read says so in its place.
for (const picture of document.querySelectorAll(".samples img")) {
  const missing = () => { picture.alt = "cannot be read"; picture.classList.add("gone"); };
  if (picture.complete && !picture.naturalWidth && picture.currentSrc) missing();
  picture.addEventListener("error", missing);
}
