// Package listen opens TCP listeners with errors that say what to do, takes sockets that systemd opened,
// and keeps TLS certificates fresh.
//
// An address is host:port; an empty host is every interface, port 0 is any free port (ask the listener
// for it). Certificates are read again when their files change; a broken new one leaves the old in force.
package listen
