# Does what is used here of what the entrypoint of the image `postgres` does: a new server gets a
# password and runs the scripts in docker-entrypoint-initdb.d before anybody can reach it.
set -eu

if [ "$(id -u)" = 0 ]; then
    chown postgres:postgres "$PGDATA"
    chmod 700 "$PGDATA"
    exec setpriv --reuid=postgres --regid=postgres --init-groups sh "$0" "$@"
fi
if ! [ -s "$PGDATA/PG_VERSION" ]; then
    # shellcheck disable=SC2086 # Several words, as there.
    initdb --username=postgres --pwfile="$POSTGRES_PASSWORD_FILE" $POSTGRES_INITDB_ARGS
    echo 'host all all all scram-sha-256' >> "$PGDATA/pg_hba.conf"
    pg_ctl -w -o "-c listen_addresses='' -c unix_socket_directories=/var/run/postgresql" start
    PGPASSWORD=$(cat "$POSTGRES_PASSWORD_FILE")
    export PGPASSWORD
    for script in /docker-entrypoint-initdb.d/*.sql; do
        psql --no-psqlrc -v ON_ERROR_STOP=1 --host=/var/run/postgresql --username=postgres --file="$script"
    done
    pg_ctl -w -m fast stop
fi
exec "$@" -c listen_addresses='*' -c unix_socket_directories=/var/run/postgresql
