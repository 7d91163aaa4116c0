# Static binary, no shell, not root. Build: docker build -t d2gate .
FROM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION=dev
RUN CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X main.version=${VERSION}" -o /d2gate ./cmd/d2gate

FROM gcr.io/distroless/static-debian12:nonroot
COPY --from=build /d2gate /usr/bin/d2gate
USER nonroot:nonroot
WORKDIR /var/lib/d2gate
EXPOSE 8443
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s CMD ["/usr/bin/d2gate", "health"]
ENTRYPOINT ["/usr/bin/d2gate"]
CMD ["serve", "-c", "/etc/d2gate/d2gate.yaml"]
