# Stands in for the image `nats`: the server that the tests have.
FROM docker.io/library/debian:bookworm-slim
COPY bin/nats-server /usr/local/bin/
CMD ["nats-server"]
