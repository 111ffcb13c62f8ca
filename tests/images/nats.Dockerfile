# Stands in for the images `nats`: the server that the tests have. Those on Alpine are told the
# program's name, the others only its arguments.
FROM docker.io/library/debian:bookworm-slim AS alpine
COPY bin/nats-server /usr/local/bin/
CMD ["nats-server"]

FROM alpine
ENTRYPOINT ["nats-server"]
