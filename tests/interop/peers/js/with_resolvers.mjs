// SPDX-License-Identifier: MIT OR Apache-2.0
// Node 20 lacks this; js-libp2p needs it.
Promise.withResolvers ??= function () {
  let resolve, reject
  const promise = new this((ok, wrong) => {
    resolve = ok
    reject = wrong
  })
  return { promise, resolve, reject }
}
