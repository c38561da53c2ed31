# SPDX-License-Identifier: MIT OR Apache-2.0
"""The scenarios by their names.

A scenario says how many open files it needs, and has one of these or both:
- cases(names of peers) that servers are measured in, contenders(host), the component whose size
  is told, perhaps peers(folder, host) other than the usual ones, and perhaps lacks(), why it
  cannot be done here;
- programs that measure themselves: run(options, show_progress), which returns the figures and
  {contender: why it was not measured}, and tables(figures).
"""
import scenario_accept
import scenario_coroutine
import scenario_echo
import scenario_idle
import scenario_memory
import scenario_p2p
import scenario_size
import scenario_startup
import scenario_timers
import scenario_tls

ALL = {"echo": scenario_echo, "idle": scenario_idle, "accept": scenario_accept,
       "timers": scenario_timers, "coroutine": scenario_coroutine, "tls": scenario_tls,
       "p2p": scenario_p2p, "startup": scenario_startup,
       "size": scenario_size, "memory": scenario_memory}
