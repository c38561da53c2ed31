// SPDX-License-Identifier: MIT OR Apache-2.0
//! `Delay` as in futures-timer 3, over wasi:clocks/monotonic-clock in wstd's reactor.
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use wasip2::clocks::monotonic_clock::subscribe_duration;
use wstd::runtime::{AsyncPollable, WaitFor};

/// Holds nothing once it has fired: the reactor would go on polling what is always ready.
pub struct Delay(Option<WaitFor>);

impl Delay {
    pub fn new(duration: Duration) -> Delay {
        let nanoseconds = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX / 2);
        let wait = || AsyncPollable::new(subscribe_duration(nanoseconds)).wait_for();
        Delay((nanoseconds > 0).then(wait))
    }

    pub fn reset(&mut self, duration: Duration) {
        *self = Delay::new(duration);
    }
}

impl fmt::Debug for Delay {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Delay")
    }
}

impl Future for Delay {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if let Some(wait) = self.0.as_mut() {
            if Pin::new(wait).poll(context).is_pending() {
                return Poll::Pending;
            }
            self.0 = None;
        }
        Poll::Ready(())
    }
}
