// SPDX-License-Identifier: MIT OR Apache-2.0

// The other end of the tests against Go's crypto/tls.
//
//	peer serve -cert FILE -key FILE [OPTIONS]   echoes, and tells of each connection on a line
//	peer dial ADDRESS [OPTIONS]                 sends standard input and prints what comes back,
//	                                            -times N: as often, each with the session before
package main

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
)

var (
	cert    = flag.String("cert", "", "certificate chain")
	key     = flag.String("key", "", "its key")
	ca      = flag.String("ca", "", "roots; a server asks for client certificates with them")
	name    = flag.String("name", "example.com", "the server's name")
	version = flag.String("tls", "", "1.2 or 1.3, only that")
	alpn    = flag.String("alpn", "", "application protocols")
	curves  = flag.String("curves", "", "X25519, P256, P384, P521, the best first")
	times   = flag.Int("times", 1, "connections, one after the other")
	keylog  = flag.String("keylog", "", "where to append the secrets")
	cut     = flag.Bool("cut", false, "close the transport without closing TLS")
)

func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func config() *tls.Config {
	c := &tls.Config{ServerName: *name, ClientSessionCache: tls.NewLRUClientSessionCache(0)}
	if *cert != "" {
		pair, err := tls.LoadX509KeyPair(*cert, *key)
		fail(err)
		c.Certificates = []tls.Certificate{pair}
	}
	if *ca != "" {
		pem, err := os.ReadFile(*ca)
		fail(err)
		pool := x509.NewCertPool()
		pool.AppendCertsFromPEM(pem)
		c.RootCAs, c.ClientCAs, c.ClientAuth = pool, pool, tls.RequireAndVerifyClientCert
	}
	switch *version {
	case "1.2":
		c.MinVersion, c.MaxVersion = tls.VersionTLS12, tls.VersionTLS12
	case "1.3":
		c.MinVersion = tls.VersionTLS13
	}
	if *alpn != "" {
		c.NextProtos = strings.Split(*alpn, ",")
	}
	ids := map[string]tls.CurveID{"X25519": tls.X25519, "P256": tls.CurveP256,
		"P384": tls.CurveP384, "P521": tls.CurveP521}
	for _, curve := range strings.FieldsFunc(*curves, func(r rune) bool { return r == ',' }) {
		c.CurvePreferences = append(c.CurvePreferences, ids[curve])
	}
	if *keylog != "" {
		file, err := os.OpenFile(*keylog, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		fail(err)
		c.KeyLogWriter = file
	}
	return c
}

func describe(c *tls.Conn) string {
	s := c.ConnectionState()
	peer := "nobody"
	if len(s.PeerCertificates) > 0 {
		peer = s.PeerCertificates[0].Subject.CommonName
	}
	return fmt.Sprintf("%s %s resumed=%t alpn=%q name=%q peer=%q", tls.VersionName(s.Version),
		tls.CipherSuiteName(s.CipherSuite), s.DidResume, s.NegotiatedProtocol, s.ServerName, peer)
}

func serve(c *tls.Config) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	fail(err)
	fmt.Println("listening on", listener.Addr())
	for {
		tcp, err := listener.Accept()
		fail(err)
		go func() {
			defer tcp.Close()
			peer := tls.Server(tcp, c)
			if err := peer.Handshake(); err != nil {
				fmt.Println("failed:", err)
				return
			}
			fmt.Println(describe(peer))
			if *cut {
				peer.Write([]byte("not all of it"))
				io.Copy(io.Discard, peer) // unread bytes would make it a reset
				return
			}
			if _, err := io.Copy(peer, peer); err != nil {
				fmt.Println("failed:", err)
			}
			peer.Close()
		}()
	}
}

func dial(c *tls.Config, address string) {
	input, err := io.ReadAll(os.Stdin)
	fail(err)
	for range make([]struct{}, *times) {
		peer, err := tls.Dial("tcp", address, c)
		fail(err)
		fmt.Fprintln(os.Stderr, describe(peer))
		go func() {
			io.Copy(peer, bytes.NewReader(input))
			peer.CloseWrite()
		}()
		_, err = io.Copy(os.Stdout, peer)
		fail(err)
		peer.Close()
	}
}

func main() {
	if len(os.Args) < 2 {
		fail(fmt.Errorf("usage: peer serve|dial ..."))
	}
	if os.Args[1] == "serve" {
		fail(flag.CommandLine.Parse(os.Args[2:]))
		serve(config())
	}
	fail(flag.CommandLine.Parse(os.Args[3:]))
	dial(config(), os.Args[2])
}
