#!/bin/sh
# Prints a token for a user of this deployment, good for a day, as the tokens' issuer would.
set -eu
user=${1:?the user\'s id, a positive number}
# JWT_SECRET, or the one that secrets.sh has made up.
secret=${JWT_SECRET:-$(cat /secrets/jwt-secret)}
encode() { base64 -w 0 | tr '+/' '-_' | tr -d '='; }

now=$(date +%s)
header=$(printf '{"alg":"HS256","typ":"JWT"}' | encode)
claims=$(printf '{"sub":"%s","iat":%d,"exp":%d}' "$user" "$now" $((now + 86400)) | encode)
signature=$(printf '%s.%s' "$header" "$claims" \
    | openssl dgst -sha256 -hmac "$secret" -binary | encode)
echo "$header.$claims.$signature"
