#!/bin/sh
# Wait for Amazon's notice that this spot instance is about to go, and let its trials save their states.
# The notice comes two minutes ahead. Started beside Ray by ../ray/aws.yaml.
set -eu
service=${1:-http://169.254.169.254}/latest

noticed() {
    token=$(wget -q -T 2 -t 1 -O - --method=PUT \
        --header='X-aws-ec2-metadata-token-ttl-seconds: 60' "$service/api/token") || return 1
    wget -q -T 2 -t 1 -O /dev/null --header="X-aws-ec2-metadata-token: $token" \
        "$service/meta-data/spot/instance-action"
}

until noticed; do sleep 5; done
exec acutance drain --within 100
