# The container image of Larder: one binary on a small Debian, run without root.
#
#   docker build -t larder .
#   docker run --read-only --stop-timeout 40 -p 127.0.0.1:7070:7070 -v larder-data:/data larder
#
# The first start leaves the password of the user `admin` in the volume, or takes it from LARDER_ADMIN_PASSWORD, or from
# the file that LARDER_ADMIN_PASSWORD_FILE names. A larder.toml mounted to /etc/larder/larder.toml is read; variables go
# before it, also the two that are set here: give `-e LARDER_SERVER__LISTEN=…` for another port.
#
# There are no package managers in the image whose upstreams a first start could take over. `larder discover --apply` on a
# developer's machine does it: docs/operate.md, "In a container".
# The build downloads crates and needs a network for that, nothing else.

# The manifests alone. As long as they stay the same, all dependencies come out of the layer cache.
FROM rust:1.95-bookworm AS manifests
WORKDIR /src
COPY . .
RUN find . -type f ! -name Cargo.toml ! -name Cargo.lock ! -path './.cargo/*' -delete -o -type d -empty -delete

FROM rust:1.95-bookworm AS build
WORKDIR /src
COPY --from=manifests /src .
# Every room stands empty, so that only what comes from outside is compiled.
RUN for room in */; do mkdir -p "$room/src" && touch "$room/src/lib.rs" && echo 'fn main() {}' >"$room/src/main.rs"; done \
    && cargo build --release --locked -p larder-server \
    && rm -r */src
COPY . .
# Newer than the empty rooms, whatever time the files bring along.
RUN find . -path ./target -prune -o -name '*.rs' -exec touch {} + \
    && cargo build --release --locked -p larder-server

FROM debian:12-slim
LABEL org.opencontainers.image.title="Larder" \
    org.opencontainers.image.description="Container registry and mirror of every package source a team builds from" \
    org.opencontainers.image.licenses="Apache-2.0"
RUN groupadd --gid 65532 larder \
    && useradd --uid 65532 --gid 65532 --key UID_MAX=65532 --no-log-init --no-create-home --home-dir /data \
        --shell /usr/sbin/nologin larder \
    && install -d -o 65532 -g 65532 -m 750 /data
# What upstreams, databases and object stores are trusted by.
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /src/target/release/larder /usr/local/bin/larder
WORKDIR /etc/larder
ENV LARDER_DATA=/data LARDER_SERVER__LISTEN=0.0.0.0:7070
USER 65532:65532
VOLUME /data
EXPOSE 7070
# With and without TLS, on whatever port: it reads what the server reads.
HEALTHCHECK --interval=10s --timeout=6s --start-period=20s CMD ["larder", "health"]
ENTRYPOINT ["larder"]
CMD ["serve"]
