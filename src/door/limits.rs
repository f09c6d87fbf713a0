//! Every bound of the door: sizes, waits, and who may come in. Counts connections in total and an
//! address, and the memory of bodies under way. Must not know about sockets or HTTP.

use crate::domain::address;
use std::{
    cell::Cell,
    collections::HashMap,
    net::IpAddr,
    rc::Rc,
    sync::{Arc, Mutex},
};

/// Longest request line and headers together; on the control listener, of the headers alone.
pub const HEAD: usize = 16 * 1024;
/// Longest request line on the control listener: the clouds' SDKs put every parameter into the query, and
/// a group's info of 32 KB, percent-encoded, takes 96 of these.
pub const CONTROL_LINE: usize = 128 * 1024;
pub const HEADERS: usize = 64;
/// Longest body in bytes.
pub const BODY: usize = 1024 * 1024;
/// Waits in ms: a whole head, a whole body, between requests, and for 64 KiB of an answer to be taken.
pub const HEAD_WAIT: u64 = 10_000;
pub const BODY_WAIT: u64 = 30_000;
pub const IDLE_WAIT: u64 = 60_000;
pub const WRITE_WAIT: u64 = 30_000;
pub const WRITE_STEP: usize = 64 * 1024;
/// After an early answer the client may still be sending. Closing on unread bytes makes the kernel send
/// a reset, and that can overtake the answer; so this much is read and thrown away, for so long.
pub const DRAIN: usize = 4 * 1024 * 1024;
pub const DRAIN_WAIT: u64 = 2_000;
/// Connections over a cap that are being told so, at one time; the rest are just closed.
pub const TURNED_AWAY: usize = 64;
/// Waits in ms after an accept that failed for want of resources: first and longest.
pub const ACCEPT_WAIT: (u64, u64) = (50, 1_000);
/// The box itself may use so many more on the control listener: an operator must get in when it is full.
const RESERVE: u32 = 32;
/// Bodies up to this size need no share of the memory below, so that large ones cannot starve small calls …
pub const SMALL_BODY: usize = 16 * 1024;
/// … of this much for all bodies under way. 1 MiB a connection would let one address take 1 GiB.
pub const BODIES: usize = 64 * 1024 * 1024;

/// Caps on connections; 0 is off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    pub connections: u32,
    pub connections_per_address: u32,
}

/// Why nobody else may come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Full {
    /// The cap on all.
    Total(u32),
    /// The cap on one address.
    Address(u32),
}

/// Counts who is in.
#[derive(Debug)]
pub struct Caps {
    limits: Limits,
    inside: Mutex<Inside>,
}

#[derive(Debug, Default)]
struct Inside {
    total: u32,
    by_address: HashMap<IpAddr, u32>,
}

impl Caps {
    pub fn new(limits: Limits) -> Arc<Caps> {
        Arc::new(Caps { limits, inside: Mutex::default() })
    }

    /// One more from `address`. `control`: at the control listener.
    pub fn admit(self: &Arc<Caps>, address: IpAddr, control: bool) -> Result<Permit, Full> {
        let address = address::host(address);
        let Limits { connections, connections_per_address } = self.limits;
        let reserve = if control && address.is_loopback() { RESERVE } else { 0 };
        let mut inside = self.inside.lock().expect("no panic while held");
        if connections > 0 && inside.total >= connections.saturating_add(reserve) {
            return Err(Full::Total(connections));
        }
        let here = inside.by_address.get(&address).copied().unwrap_or(0);
        if connections_per_address > 0 && here >= connections_per_address.saturating_add(reserve) {
            return Err(Full::Address(connections_per_address));
        }
        inside.total += 1;
        inside.by_address.insert(address, here + 1);
        Ok(Permit { caps: self.clone(), address })
    }

    #[cfg(test)]
    pub fn open(&self) -> usize {
        self.inside.lock().expect("no panic while held").total as usize
    }
}

/// One connection's place; dropping it gives the place back.
#[derive(Debug)]
pub struct Permit {
    caps: Arc<Caps>,
    address: IpAddr,
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut inside = self.caps.inside.lock().expect("no panic while held");
        inside.total -= 1;
        if let Some(n) = inside.by_address.get_mut(&self.address) {
            *n -= 1;
            if *n == 0 {
                inside.by_address.remove(&self.address);
            }
        }
    }
}

/// The memory that bodies under way take, over all connections of the door's thread.
#[derive(Clone, Debug, Default)]
pub struct Bodies(Rc<Cell<usize>>);

impl Bodies {
    /// A share that is still empty.
    pub fn share(&self) -> Share {
        Share { all: self.clone(), held: 0 }
    }
}

/// One body's part; dropping it gives the memory back.
#[derive(Debug)]
pub struct Share {
    all: Bodies,
    held: usize,
}

impl Share {
    /// Makes the share large enough for `size` bytes; false when there is no room.
    pub fn grow(&mut self, size: usize) -> bool {
        let more = size.saturating_sub(SMALL_BODY).saturating_sub(self.held);
        if self.all.0.get() + more > BODIES {
            return false;
        }
        self.all.0.set(self.all.0.get() + more);
        self.held += more;
        true
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.all.0.set(self.all.0.get() - self.held);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_counted_and_given_back() {
        let (a, b) = ("192.0.2.1".parse().unwrap(), "192.0.2.2".parse().unwrap());
        let mapped = "::ffff:192.0.2.1".parse().unwrap();
        let caps = Caps::new(Limits { connections: 3, connections_per_address: 2 });
        let one = caps.admit(a, false).unwrap();
        let _two = caps.admit(mapped, false).unwrap();
        assert_eq!(caps.admit(a, false).unwrap_err(), Full::Address(2));
        let _three = caps.admit(b, false).unwrap();
        assert_eq!(caps.admit(b, false).unwrap_err(), Full::Total(3));
        drop(one);
        assert!(caps.admit(a, false).is_ok());
        assert_eq!(caps.open(), 2);
        assert_eq!(caps.inside.lock().unwrap().by_address.len(), 2);
    }

    #[test]
    fn the_box_itself_gets_in_when_it_is_full() {
        let (here, there) = ("127.0.0.1".parse().unwrap(), "192.0.2.1".parse().unwrap());
        let caps = Caps::new(Limits { connections: 1, connections_per_address: 0 });
        let _one = caps.admit(there, false).unwrap();
        assert!(caps.admit(here, false).is_err());
        assert!(caps.admit(there, true).is_err());
        let reserve: Vec<_> = (0..100).map_while(|_| caps.admit(here, true).ok()).collect();
        assert_eq!(reserve.len(), RESERVE as usize);
    }

    #[test]
    fn large_bodies_share_a_bounded_memory() {
        let bodies = Bodies::default();
        let mut held: Vec<_> = (0..100).map(|_| bodies.share()).filter_map(|mut s| s.grow(BODY).then_some(s)).collect();
        assert_eq!(held.len(), BODIES / (BODY - SMALL_BODY));
        assert!(bodies.share().grow(SMALL_BODY), "small ones need none");
        held.clear();
        assert_eq!(bodies.0.get(), 0);
    }
}
