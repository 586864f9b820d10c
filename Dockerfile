# Three stages: npm and its cache stay behind. The image runs as `node` (uid 1000), with production dependencies only.
FROM node:24-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev

FROM node:24-slim AS console
WORKDIR /app
COPY package.json package-lock.json .npmrc tsconfig.json ./
RUN npm ci --ignore-scripts
COPY gateway gateway
COPY providers providers
RUN node gateway/cli/build-console.mjs

FROM node:24-slim
ENV NODE_ENV=production HOST=0.0.0.0 PORT=8080 DATA_DIR=/data
WORKDIR /app
# The embedded database, the ready-made keys and the sandbox's state, unless DATABASE_URL says otherwise.
RUN install -d -o node -g node -m 700 /data
COPY --from=dependencies /app/node_modules node_modules
COPY package.json ./
COPY migrations migrations
COPY providers providers
COPY routing routing
COPY gateway gateway
COPY --from=console /app/gateway/console/dist gateway/console/dist
USER node
EXPOSE 8080
VOLUME /data
HEALTHCHECK --interval=5s --timeout=3s --start-period=20s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT}/healthz`).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
# No shell and no npm in between: signals reach the gateway, which finishes its charges first.
ENTRYPOINT ["node", "gateway/main.ts"]
