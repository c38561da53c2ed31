// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

/// Whom the benchmarks talk to: a P-256 certificate that signs itself, and its key, which everybody
/// knows.
namespace bench {

inline constexpr char name[] = "bench.example";
inline constexpr char key[] = R"pem(-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgLMebYAyDcRSnlUf7
Mn+xQcD9YJ43honi3ACLgCod4rqhRANCAATPZysg0urDkRquedfSCp539qK5CDmk
4dTjAQAR6LVjEnezzI3CqzBJKVIh0XZt7pPmucboL7kvrVboFybpVo2W
-----END PRIVATE KEY-----
)pem";
inline constexpr char certificate[] = R"pem(-----BEGIN CERTIFICATE-----
MIIBrTCCAVKgAwIBAgIUNShldCztXFeXDVz+hDouV1XTOngwCgYIKoZIzj0EAwIw
GDEWMBQGA1UEAwwNYmVuY2guZXhhbXBsZTAgFw0yNjExMjExMzQwNDVaGA8yMTI2
MTAyODEzNDA0NVowGDEWMBQGA1UEAwwNYmVuY2guZXhhbXBsZTBZMBMGByqGSM49
AgEGCCqGSM49AwEHA0IABM9nKyDS6sORGq5519IKnnf2orkIOaTh1OMBABHotWMS
d7PMjcKrMEkpUiHRdm3uk+a5xugvuS+tVugXJulWjZajeDB2MB0GA1UdDgQWBBQl
gaXeEJ6205lpu4QpIq6qAnMW7TAfBgNVHSMEGDAWgBQlgaXeEJ6205lpu4QpIq6q
AnMW7TAjBgNVHREEHDAagg1iZW5jaC5leGFtcGxlgglsb2NhbGhvc3QwDwYDVR0T
AQH/BAUwAwEB/zAKBggqhkjOPQQDAgNJADBGAiEA6G0h5G9e2GI3x05H7+ZlTX9t
Rj3IU0rBSZw7qgmgwQMCIQCHefNLOitSXYX3Zy9X9zf1INMJxoDPRLm1OB9cXeDu
Bw==
-----END CERTIFICATE-----
)pem";

}  // namespace bench
