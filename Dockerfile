# Static binary, no shell, not root. Build: docker build -t d2gate .
# Run: docker run -v d2gate:/var/lib/d2gate -v ./d2gate.yaml:/etc/d2gate/d2gate.yaml:ro -p 8443:8443 d2gate
# with store.url sqlite:/var/lib/d2gate/d2gate.db, and server.listen 0.0.0.0:8443 with tls or trusted_proxies.
FROM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION=dev
RUN CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X main.version=${VERSION}" -o /d2gate ./cmd/d2gate && mkdir /data

FROM gcr.io/distroless/static-debian12:nonroot
COPY --from=build /d2gate /usr/bin/d2gate
# The folder belongs to the user that runs, and so does a volume that is put there.
COPY --from=build --chown=nonroot:nonroot /data /var/lib/d2gate
USER nonroot:nonroot
WORKDIR /var/lib/d2gate
EXPOSE 8443
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s CMD ["/usr/bin/d2gate", "health"]
ENTRYPOINT ["/usr/bin/d2gate"]
CMD ["serve", "-c", "/etc/d2gate/d2gate.yaml"]
