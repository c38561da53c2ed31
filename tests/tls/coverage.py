# SPDX-License-Identifier: MIT OR Apache-2.0
"""What the tables of the wasi:tls proposal ask for, member by member: what to call here, and the
test that shows it.

coverage.py prints docs/tls-coverage.md; test_coverage.py holds the file against it, and every named
test against the tests that there are.
"""

TITLE = "What the wasi:tls proposal lists, and what to call"

INTRODUCTION = """\
The proposal compares itself with .NET's `SslStream` and Node's `tls`, member by member. Here is the
same list: what the proposal says of itself (✅ supported, ⛔ not, ❔ unknown, ◐ one value only), what
stands for it in this library, and the test that shows it (`./dev test --only NAME`). Tests are those
of `tests/tls` unless a folder is named.

- **here** in the second column: it works.
- **you**: needs nothing of a TLS library; the hint says what to use.
- **none**: it means nothing here.
- **not possible**: answers with `not_supported`, or is not there, for the reason given.
"""

# What several rows share.
SAME = "tls: both sides agree on what they agreed on"
SERVED = "tls: a client proves who it is when it is asked"
STEPS_C = "tls: a client holds at each of its points, and no byte flows meanwhile"
STEPS_S = "tls: a server holds at each of its points, and no byte flows meanwhile"
READ = "tls connection: both ways at the same time"
TIMEOUT = "tls connection: reads and writes end with a timeout, and nothing is lost"
ANY = "tls connection: works where any stream does"
RESUMED = "tls session: a server that knows it resumes it"
REQUEST = "tls request: a client of TLS 1.2 answers on a complete connection"
SNI = "tls: the name that is asked for chooses among a server's identities"
SCHEMES = "tls: signatures are of schemes that both sides accept"
NO_OCSP = "not possible: mbedTLS has no OCSP"

HERE, YOU, NONE = "here", "you", "none"

# Table: rows of (member, proposal, status, what to call or why, test).
TABLES = {
    ".NET `SslStream`": [
        ("CheckCertRevocationStatus", "⛔", HERE, "`trust_anchors::revocation_lists() > 0`",
         "trust: revocation lists are read, PEM and DER, all or none"),
        ("CipherAlgorithm, CipherStrength, HashAlgorithm, HashStrength", "⛔", HERE,
         "`name_of(cipher_suite())`, `strength_of(cipher_suite())`", SAME),
        ("IsAuthenticated, IsEncrypted, IsSigned", "✅", HERE,
         "a `connection` exists only with all three", SAME),
        ("IsMutuallyAuthenticated", "✅", HERE, "`server_identity() && client_identity()`", SERVED),
        ("IsServer", "✅", HERE, "`connection::is_server`", SAME),
        ("KeyExchangeAlgorithm, KeyExchangeStrength", "⛔", HERE,
         "`connection::group`, `strength_of(group)`", SAME),
        ("LocalCertificate", "✅", HERE, "`server_identity` of a server, `client_identity` of a client",
         SERVED),
        ("NegotiatedApplicationProtocol", "✅", HERE, "`connection::alpn_id`",
         "tls: ALPN takes the server's first choice in common"),
        ("NegotiatedCipherSuite", "✅", HERE, "`connection::cipher_suite`", SAME),
        ("RemoteCertificate", "✅", HERE, "`client_identity` of a server, `server_identity` of a client",
         SERVED),
        ("SslProtocol", "✅", HERE, "`connection::version`", SAME),
        ("TargetHostName", "✅", HERE, "`connection::server_name`", SAME),
        ("TransportContext", "❔", HERE,
         "`export_keying_material(…, \"EXPORTER-Channel-Binding\")`; `certificate::sha256` of the "
         "server for tls-server-end-point",
         "tls connection: keys for another protocol are the same on both sides"),
        ("AuthenticateAsClient, -Async, Begin-, End-", "✅", HERE, "`tls::connect`", SAME),
        ("AuthenticateAsServer, -Async, Begin-, End-", "✅", HERE, "`tls::accept`", SAME),
        ("NegotiateClientCertificateAsync", "✅", HERE,
         "`server_connection::request_client_identity`", REQUEST),
        ("Read, ReadAsync, BeginRead, EndRead, ReadByte, ReadAtLeast, ReadAtLeastAsync, ReadExactly, "
         "ReadExactlyAsync", "✅", HERE, "`read_some`; `read_exactly`, `read_until`, …", READ),
        ("Write, WriteAsync, BeginWrite, EndWrite, WriteByte", "✅", HERE,
         "`write_some`; `write_all`", READ),
        ("CopyTo, CopyToAsync", "✅", HERE, "`copy`", ANY),
        ("Flush, FlushAsync", "✅", NONE, "a write is on its way when it completes", None),
        ("Dispose, DisposeAsync, Close, Finalize, ShutdownAsync", "⛔", HERE,
         "`connection::shutdown`, the destructor",
         "tls connection: shutdown waits for the peer, but not for ever"),
        ("CanRead, CanWrite", "✅", NONE, "a `connection` can do both until it ends", None),
        ("ReadTimeout, WriteTimeout, CanTimeout", "✅", HERE, "`with_timeout(read_some(…), 5s)`",
         TIMEOUT),
        ("Position", "✅", YOU, "add up what reads and writes give", None),
        ("InnerStream, LeaveInnerStreamOpen", "✅", HERE, "`connection::transport`",
         "tls connection: an end of the transport alone is a truncation"),
        ("CanSeek, Seek, Length, SetLength, ToString, Equals, GetHashCode, GetLifetimeService, "
         "GetType, InitializeLifetimeService, MemberwiseClone, ObjectInvariant, CreateObjRef, "
         "CreateWaitHandle", "✅", NONE, "of .NET's streams and objects", None),
    ],
    ".NET `SslClientAuthenticationOptions`": [
        ("AllowRenegotiation", "⛔", HERE, "`client_options::allow_renegotiation`", REQUEST),
        ("AllowTlsResume", "⛔", HERE, "`client_options::resume`, `on_session`", RESUMED),
        ("ApplicationProtocols", "✅", HERE, "`alpn`, `configure_alpn_ids`",
         "tls: ALPN takes the server's first choice in common"),
        ("CertificateChainPolicy", "❔", HERE, "`roots`, revocation lists, "
         "`verify_server_identity` for what is checked in addition",
         "tls: a server that cannot be verified is refused, and told why"),
        ("CertificateRevocationCheckMode", "◐ NoCheck", HERE,
         "Offline: `trust_anchors::add_revocation_list`. Online is " + NO_OCSP,
         "tls: a revoked certificate is refused"),
        ("CipherSuitesPolicy", "◐ null", HERE, "`protocol.cipher_suites`",
         "tls: each cipher suite carries data"),
        ("ClientCertificateContext, ClientCertificates, LocalCertificateSelectionCallback", "✅", HERE,
         "`identities`, or `receive_client_identity_request` and `respond`", STEPS_C),
        ("EnabledSslProtocols", "◐ None", HERE, "`protocol.min_version`, `max_version`",
         "tls: versions without overlap are refused"),
        ("EncryptionPolicy", "◐ RequireEncryption", NONE, "always RequireEncryption", None),
        ("RemoteCertificateValidationCallback", "✅", HERE, "`verify_server_identity`", STEPS_C),
        ("TargetHost", "✅", HERE, "`server_name`",
         "tls: addresses are verified, and never sent as a name"),
    ],
    ".NET `SslServerAuthenticationOptions` and `SslClientHelloInfo`": [
        ("AllowRenegotiation", "⛔", HERE, "refused, but for what the server asks itself",
         "tls request: a client that must not be started again declines, and all goes on"),
        ("AllowTlsResume", "⛔", HERE, "`server_options::tickets`", RESUMED),
        ("ApplicationProtocols", "✅", HERE, "`alpn`, `configure_alpn_ids`", STEPS_S),
        ("CertificateChainPolicy", "❔", HERE, "`client_roots`, revocation lists, "
         "`request_client_identity` for what is checked in addition",
         "tls: a client that cannot be verified is refused, and told why"),
        ("CertificateRevocationCheckMode", "◐ NoCheck", HERE,
         "Offline: `trust_anchors::add_revocation_list`. Online is " + NO_OCSP,
         "tls: a revoked certificate is refused"),
        ("CipherSuitesPolicy", "◐ null", HERE, "`protocol.cipher_suites`",
         "tls: the server's preference decides among cipher suites"),
        ("ClientCertificateRequired", "✅", HERE, "`authenticate`",
         "tls: a client that presents nothing is served or not, as the server wants"),
        ("EnabledSslProtocols", "◐ None", HERE, "`protocol.min_version`, `max_version`",
         "tls: versions without overlap are refused"),
        ("EncryptionPolicy", "◐ RequireEncryption", NONE, "always RequireEncryption", None),
        ("RemoteCertificateValidationCallback", "✅", HERE, "`request_client_identity`", STEPS_S),
        ("ServerCertificate, ServerCertificateContext", "✅", HERE, "`identities`", SAME),
        ("ServerCertificateSelectionCallback", "✅", HERE,
         "`receive_client_hello`, then `configure_identities`", STEPS_S),
        ("ServerName", "✅", HERE, "`client_hello::server_name`", STEPS_S),
        ("SslProtocols", "⛔", HERE, "`client_hello::versions`",
         "client_hello: each extension has its getter"),
    ],
    "Node `tls`": [
        ("localAddress, localPort, remoteAddress, remoteFamily, remotePort, address, Server.address, "
         "Server.listen, 'connection', Server.close", "✅", YOU, "`tcp_stream`, `tcp_listener`", None),
        ("connect, createSecureContext, createSecurePair, createServer, TLSSocket", "✅", HERE,
         "`tls::connect`, `tls::accept`, the handshakes; options are values that are shared", SAME),
        ("checkServerIdentity", "✅", HERE, "`verify_server_identity`; the name is checked before",
         STEPS_C),
        ("getCiphers", "⛔", HERE, "`tls::cipher_suites`, `name_of`",
         "tls: each cipher suite carries data"),
        ("rootCertificates", "⛔", HERE, "`system_roots`, from a folder that the host opens",
         "trust: the roots of the system are read, or the error says that there are none"),
        ("CLIENT_RENEG_LIMIT, CLIENT_RENEG_WINDOW", "⛔", NONE,
         "0: clients start no renegotiation at all", None),
        ("DEFAULT_MAX_VERSION, DEFAULT_MIN_VERSION", "⛔", HERE,
         "the defaults of `protocol_parameters`", "tls: a server that has both versions takes the newer"),
        ("DEFAULT_CIPHERS", "⛔", HERE, "`tls::cipher_suites`, in its order",
         "tls: a server that has both versions takes the newer"),
        ("DEFAULT_ECDH_CURVE", "◐ auto", HERE, "`tls::named_groups`, in its order", SAME),
        ("'keylog'", "⛔", HERE, "`keys` of the options",
         "tls connection: the key log has a line for each secret, the same on both sides"),
        ("'OCSPResponse', 'OCSPRequest'", "⛔", NO_OCSP, "", None),
        ("'secureConnect', 'secureConnection'", "✅", HERE, "`finish` completes", STEPS_C),
        ("'session', getSession, getTLSTicket", "⛔", HERE,
         "`client_options::on_session`, `session::serialize`", "tls session: kept as bytes"),
        ("alpnProtocol", "✅", HERE, "`connection::alpn_id`",
         "tls: ALPN takes the server's first choice in common"),
        ("authorizationError, authorized", "◐", HERE, "`connection::verify_error`",
         "tls: verification left to the application tells it what was found"),
        ("disableRenegotiation", "⛔", NONE, "off from the start", None),
        ("enableTrace", "⛔", HERE, "`trace` of the options",
         "tls trace: it tells of each record and message"),
        ("encrypted", "✅", NONE, "always true", None),
        ("exportKeyingMaterial", "⛔", HERE, "`connection::export_keying_material`",
         "tls connection: keys for another protocol are the same on both sides"),
        ("getCertificate, getX509Certificate, getPeerCertificate, getPeerX509Certificate", "✅", HERE,
         "`server_identity`, `client_identity`: `export_x509_chain`, `leaf`", SERVED),
        ("getCipher, getProtocol, servername", "✅", HERE,
         "`cipher_suite`, `version`, `server_name`", SAME),
        ("getEphemeralKeyInfo", "⛔", HERE, "`connection::group`", SAME),
        ("getFinished, getPeerFinished", "⛔", HERE,
         "`connection::own_finished`, `peer_finished`",
         "tls connection: the Finished of each side is known to both"),
        ("getSharedSigalgs", "⛔", HERE, "`connection::shared_signature_schemes`",
         SCHEMES),
        ("isSessionReused", "⛔", HERE, "`connection::is_resumed`", RESUMED),
        ("renegotiate", "◐ client certificate only", HERE,
         "`server_connection::request_client_identity`", REQUEST),
        ("setKeyCert", "✅", HERE, "`configure_identities`", STEPS_S),
        ("setMaxSendFragment", "⛔", HERE, "`protocol.record_size_limit`",
         "tls connection: records are cut to the size that was asked for"),
        ("'newSession', 'resumeSession'", "⛔", HERE,
         "`server_options::on_session`; `receive_client_hello`, then `server_options::resume`",
         "tls session: a server may keep sessions itself, and look them up by id"),
        ("'tlsClientError'", "✅", HERE, "`finish` fails",
         "tls: what is not TLS is answered by an alert"),
        ("addContext, setSecureContext", "✅", HERE,
         "several `identities`, or `receive_client_hello` and `configure_identities`", SNI),
        ("getTicketKeys, setTicketKeys", "⛔", HERE, "`ticket_keys::keys`, `set_keys`, `rotate`",
         "tls session: older keys open what they made, until they are gone"),
    ],
    "Node connection options": [
        ("ALPNProtocols, ALPNCallback, SNICallback", "✅", HERE,
         "`alpn`; `receive_client_hello`, then `configure_alpn_ids` and `configure_identities`",
         STEPS_S),
        ("ca", "⛔", HERE, "`roots`, `client_roots`", "tls: a client that trusts nobody gets nowhere"),
        ("cert, key", "✅", HERE, "`private_identity::parse`",
         "identity: a key is taken in each form that it comes in"),
        ("pfx", "✅", HERE, "`private_identity::parse_pkcs12`",
         "pkcs12: a file gives the key and the chain, leaf first"),
        ("passphrase", "◐", HERE, "the third argument of `parse`",
         "identity: a wrong passphrase is told from a damaged key"),
        ("checkServerIdentity", "✅", HERE, "`verify_server_identity`", STEPS_C),
        ("ciphers", "⛔", HERE, "`protocol.cipher_suites`",
         "tls: the server's preference decides among cipher suites"),
        ("ecdhCurve", "⛔", HERE, "`protocol.groups`",
         "tls: each group makes keys, and a wrong guess is asked for again"),
        ("sigalgs", "⛔", HERE, "`protocol.signature_schemes`", SCHEMES),
        ("clientCertEngine, privateKeyEngine, privateKeyIdentifier", "⛔", NONE,
         "of OpenSSL's engines, and deprecated", None),
        ("crl", "⛔", HERE, "`trust_anchors::add_revocation_list`",
         "tls: a revoked certificate is refused"),
        ("dhparam, minDHSize", "⛔", HERE, "`server_options::dh`, `protocol.min_dh_bits`",
         "tls: the suites of finite fields are there for who names them"),
        ("enableTrace", "⛔", HERE, "`trace` of the options",
         "tls trace: it tells of each record and message"),
        ("handshakeTimeout", "✅", HERE, "`handshake_timeout`",
         "tls: a silent peer does not hold a handshake for ever"),
        ("honorCipherOrder", "⛔", HERE, "always: the server's order counts",
         "tls: the server's preference decides among cipher suites"),
        ("isServer", "✅", HERE, "`connect` or `accept`", SAME),
        ("minVersion, maxVersion, secureProtocol", "⛔", HERE,
         "`protocol.min_version`, `max_version`; TLS 1.0 and 1.1 are not possible: mbedTLS has them "
         "no more", "tls: versions without overlap are refused"),
        ("secureOptions", "⛔", HERE, "its bits are options of their own", SAME),
        ("pskCallback", "⛔", HERE, "`psk` of a client, `psks` of a server",
         "tls psk: both sides prove that they have the key"),
        ("pskIdentityHint", "⛔", "not possible: mbedTLS writes none and reads none", "", None),
        ("rejectUnauthorized", "◐ true", HERE, "`verification::left_to_application`",
         "tls: verification left to the application tells it what was found"),
        ("requestCert", "✅", HERE, "`authenticate`, `request_client_identity`", SERVED),
        ("requestOCSP", "⛔", NO_OCSP, "", None),
        ("servername", "✅", HERE, "`server_name`", SNI),
        ("session", "⛔", HERE, "`resume`", RESUMED),
        ("sessionIdContext", "⛔", HERE, "`session_context`",
         "tls session: tickets of another context are not taken"),
        ("sessionTimeout", "⛔", HERE, "the lifetime of `ticket_keys`", "tls session: too old"),
        ("ticketKeys", "⛔", HERE, "`ticket_keys`",
         "tls session: older keys open what they made, until they are gone"),
    ],
}


def page():
    lines = [f"# {TITLE}", "", INTRODUCTION]
    for title, rows in TABLES.items():
        lines += [f"## {title}", "", "| member | proposal | here | what to call | test |",
                  "|---|---|---|---|---|"]
        for member, proposal, status, call, test in rows:
            shown = f"`{test}`" if test else ""
            lines.append(f"| {member} | {proposal} | {status} | {call} | {shown} |")
        lines.append("")
    return "\n".join(lines)


def tests():
    """All tests that are named."""
    return {test for rows in TABLES.values() for *_, test in rows if test}


if __name__ == "__main__":
    print(page(), end="")
