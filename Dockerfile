# The images of both services and of the migration, one target each, from one build:
#
#   docker build --target session-service --tag tertulia/session-service .
#
# `cargo dev check images` builds this file and starts what came of it.

ARG RUST=1.95

# The workspace with nothing in it: as long as the manifests and the lock stay the same, so does
# this, and what is built from it is taken from the cache.
FROM docker.io/library/rust:${RUST}-slim-bookworm AS manifests
WORKDIR /src
COPY . .
RUN find . -type f ! -name Cargo.toml ! -name Cargo.lock ! -path '*/src/lib.rs' \
        ! -path '*/src/main.rs' ! -path '*/build.rs' ! -path '*/examples/*.rs' -delete \
    && for file in $(find . -name '*.rs'); do echo 'fn main() {}' > "$file"; done \
    && find . -type d -empty -delete \
    && find . -exec touch --date @0 {} +

FROM docker.io/library/rust:${RUST}-slim-bookworm AS build
# `off` builds sooner what is only to be tried.
ARG LTO=fat
ENV CARGO_HOME=/cargo CARGO_TERM_COLOR=never CARGO_PROFILE_RELEASE_LTO=${LTO}
WORKDIR /src
COPY --from=manifests /src .
RUN cargo build --release --locked --package session-service --package run-worker --package migration
COPY . .
# Cargo goes by time, and the files may be older than what was built without them. What it has
# generated for dependencies is left alone, or they are built again.
RUN find . -path ./target -prune -o -name '*.rs' -exec touch {} + \
    && cargo build --release --locked --package session-service --package run-worker --package migration

# What a program needs to run: itself, the libraries that it is linked with, and the authorities
# that TLS trusts. Static linking is no way: glibc wants to look up names with its own libraries.
RUN for program in session-service run-worker migration; do \
        root=/images/$program && mkdir -p $root/etc/ssl/certs $root/tmp \
        && strip --strip-debug -o $root/$program target/release/$program && chmod 1777 $root/tmp \
        && ldd $root/$program | grep -o '/[^ ]*' | xargs cp --parents --dereference --target-directory $root \
        && cp /etc/ssl/certs/ca-certificates.crt $root/etc/ssl/certs/ || exit 1; \
    done

# No shell, no package manager, nothing to write to; nobody's user.
FROM scratch AS nobody
LABEL org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="0.1.0"
USER 65532:65532

FROM nobody AS migration
LABEL org.opencontainers.image.title="migration"
COPY --from=build /images/migration /
ENTRYPOINT ["/migration"]
CMD ["up"]

FROM nobody AS run-worker
LABEL org.opencontainers.image.title="run-worker"
COPY --from=build /images/run-worker /
EXPOSE 9090
ENTRYPOINT ["/run-worker"]

FROM nobody AS session-service
LABEL org.opencontainers.image.title="session-service"
COPY --from=build /images/session-service /
EXPOSE 50051 9090
ENTRYPOINT ["/session-service"]
