# Does what is used here of what the entrypoint of the image `postgres` does: a new server gets a
# password and runs what is in docker-entrypoint-initdb.d before anybody can reach it.
set -eu

if [ "${1#-}" != "$1" ]; then
    set -- postgres "$@"
fi
if [ "$(id -u)" = 0 ]; then
    chown postgres:postgres "$PGDATA"
    chmod 700 "$PGDATA"
    exec setpriv --reuid=postgres --regid=postgres --init-groups sh "$0" "$@"
fi
if ! [ -s "$PGDATA/PG_VERSION" ]; then
    PGPASSWORD=${POSTGRES_PASSWORD:-$(cat "${POSTGRES_PASSWORD_FILE-}")}
    export PGPASSWORD
    printf %s "$PGPASSWORD" > /tmp/password
    # shellcheck disable=SC2086 # Several words, as there.
    initdb --username=postgres --pwfile=/tmp/password ${POSTGRES_INITDB_ARGS-}
    rm /tmp/password
    echo 'host all all all scram-sha-256' >> "$PGDATA/pg_hba.conf"
    export PGHOST=/var/run/postgresql
    pg_ctl -w -o "-c listen_addresses='' -c unix_socket_directories=$PGHOST" start
    for script in /docker-entrypoint-initdb.d/*; do
        case $script in
        *.sh) . "$script" ;;
        *.sql) psql --no-psqlrc -v ON_ERROR_STOP=1 --username=postgres --file="$script" ;;
        esac
    done
    pg_ctl -w -m fast stop
    unset PGHOST PGPASSWORD
fi
exec "$@" -c listen_addresses='*' -c unix_socket_directories=/var/run/postgresql
