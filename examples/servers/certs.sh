#!/bin/sh
# certs.sh DIR [CLIENT…]: a private CA, server certificates (gate, ehr, idp) and one client certificate for each name.
# For examples and tests only. EC P-256, 30 days. DIR/NAME.crt, DIR/NAME.key; the CA is DIR/ca.crt.
set -eu
[ $# -ge 1 ] || { sed -n 2,3p "$0" >&2; exit 2; }
dir=$1; shift
[ $# -gt 0 ] || set -- scribe.example referral.example mailhouse.example acme-ai.example billing.example \
  university.example payer.example county.example hie.example fax.example logs.example ehr.example
umask 077
mkdir -p "$dir"
cd "$dir"

key() { openssl ecparam -name prime256v1 -genkey -noout -out "$1"; }

key ca.key
openssl req -x509 -new -key ca.key -sha256 -days 30 -subj '/CN=Licet example CA' -out ca.crt \
  -addext 'basicConstraints=critical,CA:TRUE,pathlen:0' -addext 'keyUsage=critical,keyCertSign,cRLSign'

leaf() { # NAME SAN USAGE
  key "$1.key"
  printf 'basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=%s\nsubjectAltName=%s\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n' "$3" "$2" > leaf.ext
  openssl req -new -key "$1.key" -subj "/CN=$1" |
    openssl x509 -req -sha256 -days 30 -CA ca.crt -CAkey ca.key -set_serial "0x$(openssl rand -hex 16)" \
      -extfile leaf.ext -out "$1.crt" 2>/dev/null
}
for n in gate ehr idp; do leaf $n 'DNS:localhost,IP:127.0.0.1' serverAuth; done
for n in "$@"; do leaf "$n" "DNS:$n" clientAuth; done
rm -f leaf.ext
