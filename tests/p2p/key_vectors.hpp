// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <string_view>

/// The keys in libp2p's peer-ids specification, as protobuf messages, the peer ids made of them,
/// and signatures that OpenSSL made with their private keys over "message".
namespace copoll_tests::key_vectors {

struct known_key {
    std::string_view name, public_key, peer_id, cid, signature;
};

inline constexpr known_key ed25519{
    "ed25519",
    "080112201ed1e8fae2c4a144b8be8fd4b47bf3d3b34b871c3cacf6010f0e42d474fce27e",
    "12D3KooWBtg3aaRMjxwedh83aGiUkwSxDwUZkzuJcfaqUmo7R3pq",
    "bafzaajaiaejcahwr5d5ofrfbis4l5d6uwr57hu5tjodrypfm6yaq6dsc2r2pzyt6",
    "7e950d7a15ae4c888166ab5ee9189a9435f898199f7cf25182e5cb92aca9f1503e8ef147ed402911edb7"
    "5e30bfa695db8fb1a211ebd8f08a71f58a522226c50c"};

inline constexpr known_key secp256k1{
    "secp256k1",
    "08021221037777e994e452c21604f91de093ce415f5432f701dd8cd1a7a6fea0e630bfca99",
    "16Uiu2HAmLhLvBoYaoZfaMUKuibM6ac163GwKY74c5kiSLg5KvLpY",
    "bafzaajiiaijcca3xo7uzjzcsyilaj6i54cj44qk7kqzpoao5rti2pjx6udtdbp6kte",
    "3045022100a543fa46a80e61be13e2ac95834141a82db025627bf506e22dddd93164160ef102201ca64c"
    "23e8265ea74a9237323409e6cbaf6be50b85a422700a2a592854ce049d"};

inline constexpr known_key ecdsa{
    "ecdsa",
    "0803125b3059301306072a8648ce3d020106082a8648ce3d03010703420004de3d300fa36ae0e8f5d530"
    "899d83abab44abf3161f162a4bc901d8e6ecda020e8b6d5f8da30525e71d6851510c098e5c47c646a597"
    "fb4dcec034e9f77c409e62",
    "QmVMT29id3TUASyfZZ6k9hmNyc2nYabCo4uMSpDw4zrgDk",
    "bafzbeidigywdclqvl5hxfefwp5onbffcfife7pza57mmfb4tiqmtkdjw64",
    "304402201b8f5df8d3941bb439ef3e777c688f4cb97b79084d6b5eedb915ebc3ff4d63d302200d19b8e3"
    "c09dc417abca4403156e258ac2fe441d45827601ff6db639dc39cfc5"};

inline constexpr known_key rsa{
    "rsa",
    "080012a60430820222300d06092a864886f70d01010105000382020f003082020a0282020100e1beab07"
    "1d08200bde24eef00d049449b07770ff9910257b2d7d5dda242ce8f0e2f12e1af4b32d9efd2c090f66b0"
    "f29986dbb645dae9880089704a94e5066d594162ae6ee8892e6ec70701db0a6c445c04778eb3de1293aa"
    "1a23c3825b85c6620a2bc3f82f9b0c309bc0ab3aeb1873282bebd3da03c33e76c21e9beb172fd44c9e43"
    "be32e2c99827033cf8d0f0c606f4579326c930eb4e854395ad941256542c793902185153c474bed109d6"
    "ff5141ebf9cd256cf58893a37f83729f97e7cb435ec679d2e33901d27bb35aa0d7e20561da08885ef0ab"
    "bf8e2fb48d6a5487047a9ecb1ad41fa7ed84f6e3e8ecd5d98b3982d2a901b4454991766da295ab78822a"
    "dd5612a2df83bcee814cf50973e80d7ef38111b1bd87da2ae92438a2c8cbcc70b31ee319939a3b9c761d"
    "bc13b5c086d6b64bf7ae7dacc14622375d92a8ff9af7eb962162bbddebf90acb32adb5e4e4029f1c9601"
    "9949ecfbfeffd7ac1e3fbcc6b6168c34be3d5a2e5999fcbb39bba7adbca78eab09b9bc39f7fa4b93411f"
    "4cc175e70c0a083e96bfaefb04a9580b4753c1738a6a760ae1afd851a1a4bdad231cf56e9284d832483d"
    "f215a46c1c21bdf0c6cfe951c18f1ee4078c79c13d63edb6e14feaeffabc90ad317e4875fe648101b086"
    "4097e998f0ca3025ef9638cd2b0caecd3770ab54a1d9c6ca959b0f5dcbc90caeefc4135baca6fd475224"
    "269bbe1b0203010001",
    "QmaeANgBs1DTSxWSrPPtobgQuxW8XTfsS4ydbK4rCHzqxG",
    "bafzbeifwzcumbiyql7bhv7fe7mixg6i7aohegq75k234m63bnw6dbicmzu",
    "bb60ecbce6719264e2e9242898b0f4af97f74ebdd5de3bb81bb46985502a8c00a5efca3df50c9a5a5b0c"
    "6bd33735843f00b4fc58774c5fdfc2ae1c5e30bf5ab24be49afba0a96879478dcdf4326625bffd04abb2"
    "348ba10a95eba06a868fa7cc548293b0d528fbcd99504fa51f93629454c21983ae6a59f0cd9308b4a1db"
    "d5db737889b5b1cac3e932590d52eb9e739a996ba1d9a1a21aa94062671205b05ced017b3ddcb9a9acb3"
    "4cba6a703e3f123a7cf40a087a2fb55389a343921b9d38d416683a384612909fd7554a3810ec94e19063"
    "10278a0e3d61f295edbedd583c491f21ee51676e6765dc60044bbb58e1dca4a318a9ce4e132bfc575522"
    "bd2a112486067c4985a9b551d4b0a0f2e49550e1980cfe617bdb47ed0468e916f07f680264beee81f365"
    "8138d7e2dc92cc277abcf56d306730ed43ea675ca62946f286ebb2bf5dbff953cb2c304ea2cebe37476c"
    "15b21611699dc1a91254fa896235864b68035ddd4aa9d400ec841298db261a7188eb46438ad877fe0de6"
    "9ae4103fa2902f5e7a7c0791dfc620ca8a78ca9dc8ccc089ddd763b0a980c51d088272f52e2b254edb9b"
    "9c20fc3ff081dc4d11f89b7ebdd998f8e37dfe1795e2804230af9c3e71aa9ebc76ec257cb8a56b1ef067"
    "4da6a8599c7abd9211aba10d430b90e044b12437d75df77d8422fe5c5aae7385db5af25d97ba7bb2e8f2"
    "5112a4a9557c15bb"};

inline constexpr const known_key* all[] = {&ed25519, &secp256k1, &ecdsa, &rsa};

inline constexpr std::string_view ed25519_private_key =
    "080112407e0830617c4a7de83925dfb2694556b12936c477a0e1feb2e148ec9da60fee7d1ed1e8fae2c4"
    "a144b8be8fd4b47bf3d3b34b871c3cacf6010f0e42d474fce27e";

inline constexpr std::string_view secp256k1_private_key =
    "0802122053dadf1d5a164d6b4acdb15e24aa4c5b1d3461bdbd42abedb0a4404d56ced8fb";

}  // namespace copoll_tests::key_vectors
