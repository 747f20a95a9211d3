#!/bin/sh
# Makes the certificates beside this file anew, for the tests of TLS. They are valid from 2020 to 2120, but
# for the one that has expired. The keys protect nothing: everybody has them.
#
#     ca ── server, other-server, client, expired        other-ca ── stranger
set -eu
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -r "$work"' EXIT
from=20200101000000Z

cat > "$work/ca.conf" <<'END'
[signing]
database = $ENV::WORK/database
new_certs_dir = $ENV::WORK
rand_serial = yes
unique_subject = no
default_md = sha256
policy = any
[any]
organizationName = supplied
commonName = supplied
[authority]
basicConstraints = critical,CA:TRUE
[serverAuth]
extendedKeyUsage = serverAuth
subjectAltName = DNS:localhost,IP:127.0.0.1,IP:::1
[clientAuth]
extendedKeyUsage = clientAuth
END
export WORK="$work"
: > "$work/database"

request() {
  openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout "$2" \
    -out "$work/request" -subj "/O=kv tests/CN=$1"
}

# NAME
authority() {
  request "$1" "$work/$1.key"
  openssl ca -batch -notext -config "$work/ca.conf" -name signing -selfsign -extensions authority \
    -keyfile "$work/$1.key" -in "$work/request" -out "$1.pem" -startdate $from -enddate 21200101000000Z
}

# NAME AUTHORITY USE END
certificate() {
  request "$1" "$1-key.pem"
  openssl ca -batch -notext -config "$work/ca.conf" -name signing -extensions "$3" -cert "$2.pem" \
    -keyfile "$work/$2.key" -in "$work/request" -out "$1.pem" -startdate $from -enddate "$4"
}

authority ca
authority other-ca
certificate server ca serverAuth 21200101000000Z
certificate other-server ca serverAuth 21200101000000Z
certificate client ca clientAuth 21200101000000Z
certificate stranger other-ca clientAuth 21200101000000Z
certificate expired ca clientAuth 20200102000000Z
openssl ec -in server-key.pem -aes256 -passout pass:secret -out server-locked-key.pem
openssl genpkey -genparam -algorithm DH -pkeyopt group:ffdhe2048 -out dh.pem
