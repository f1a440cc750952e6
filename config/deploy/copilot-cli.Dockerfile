# The headless Copilot CLI, from its release archive, for amd64 and arm64: GitHub publishes no image of it.
#   docker build -f config/deploy/copilot-cli.Dockerfile --build-arg COPILOT_VERSION=1.0.102 -t copilot-cli:1.0.102 .
# Whoever reaches its port with the connection token has a shell in this container and every chat in its volume: only the
# gateway may reach it.
FROM debian:12.12-slim AS download
ARG COPILOT_VERSION=1.0.102
ARG TARGETARCH
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates curl && rm -rf /var/lib/apt/lists/*
RUN case "${TARGETARCH}" in amd64) arch=x64 ;; arm64) arch=arm64 ;; *) echo "no Copilot CLI for ${TARGETARCH}" >&2; exit 1 ;; esac \
  && base="https://github.com/github/copilot-cli/releases/download/v${COPILOT_VERSION}" \
  && cd /tmp && curl -fsSLO "${base}/copilot-linux-${arch}.tar.gz" && curl -fsSLO "${base}/SHA256SUMS.txt" \
  && grep "copilot-linux-${arch}.tar.gz" SHA256SUMS.txt | sha256sum -c - \
  && tar -xzf "copilot-linux-${arch}.tar.gz" -C /usr/local/bin copilot && chmod 755 /usr/local/bin/copilot

FROM debian:12.12-slim
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates \
  && rm -rf /var/lib/apt/lists/* \
  && useradd --uid 10001 --create-home --home-dir /home/copilot --shell /usr/sbin/nologin copilot \
  && mkdir -p /home/copilot/.copilot && chown -R copilot:copilot /home/copilot && chmod 700 /home/copilot
COPY --from=download /usr/local/bin/copilot /usr/local/bin/copilot
USER copilot
WORKDIR /home/copilot
ENV COPILOT_HOME=/home/copilot/.copilot
VOLUME /home/copilot/.copilot
EXPOSE 4321
# The port answers when it listens; the gateway itself checks the handshake and the token.
HEALTHCHECK --interval=10s --timeout=3s --start-period=15s --retries=3 \
  CMD ["/bin/bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/4321"]
# The token comes as a file where secrets do, and has to be in the CLI's environment.
ENTRYPOINT ["/bin/sh", "-c", "if [ -n \"$COPILOT_CONNECTION_TOKEN_FILE\" ]; then COPILOT_CONNECTION_TOKEN=$(cat \"$COPILOT_CONNECTION_TOKEN_FILE\"); export COPILOT_CONNECTION_TOKEN; fi; [ -n \"$COPILOT_CONNECTION_TOKEN\" ] || { echo 'COPILOT_CONNECTION_TOKEN is missing: without it anyone who reaches the port has a shell' >&2; exit 1; }; exec copilot --headless --no-auto-update --host 0.0.0.0 --port 4321"]
