#!/bin/sh
# Makes up every secret of this deployment when it is first started, and hands each service those
# that it needs, in a volume of its own. What is there stays; `docker compose down --volumes`
# forgets it, with the data that it is for.
set -eu
umask 077
cd /secrets

# Bytes from the system, as hexadecimal digits: nothing to escape, wherever they are put.
random() { od -An -vtx1 -N "$1" /dev/urandom | tr -d ' \n'; }

# A secret by its name, made when it is first asked for.
secret() {
    [ -s "made/$1" ] || { random 32 > "made/$1.new" && mv "made/$1.new" "made/$1"; }
    cat "made/$1"
}

# Writes standard input into a file that only `user` can read.
give() {
    user=$1 file=$2
    cat > "$file.new"
    chown "$user:$user" "$file.new"
    mv "$file.new" "$file"
}

# Ours, as the Dockerfile has it, and NATS; Postgres has the user of its image.
ours=65532 postgres=999
database() { echo "postgres://$1:$(secret "$1")@postgres:5432/$2"; }

for role in postgres tertulia_owner tertulia tertulia_datasets tertulia_datasets_visitor; do
    secret "$role" | give $postgres "postgres/$role"
done
database tertulia_owner tertulia | give $ours migration/database-url
database tertulia_datasets tertulia_datasets | give $ours session-service/dataset-database-url
database tertulia_datasets_visitor tertulia_datasets | give $ours run-worker/dataset-database-url
secret jwt | give $ours session-service/jwt-secret
[ -s made/sealing-keys ] \
    || { echo "1:$(head -c 32 /dev/urandom | base64)" > made/new && mv made/new made/sealing-keys; }
for service in session-service run-worker; do
    database tertulia tertulia | give $ours $service/database-url
    echo "nats://$service:$(secret $service)@nats:4222" | give $ours $service/nats-url
    give $ours $service/sealing-keys < made/sealing-keys
done
give $ours nats/passwords.conf <<PASSWORDS
OPERATOR_PASSWORD: "$(secret operator)"
SESSION_SERVICE_PASSWORD: "$(secret session-service)"
RUN_WORKER_PASSWORD: "$(secret run-worker)"
PASSWORDS
chown $ours:$ours nats-data
# Above only root may go in; here whoever has the volume.
chmod 755 nats postgres migration session-service run-worker
