//! Callbacks on their way, as data: events that wait, deliveries that were frozen out of them, and
//! each try as an attempt (`design.md` §4.4–4.6). What comes next after a try is in `retry.rs`.

use super::{Millis, endpoint::EndpointId};
use std::{fmt, sync::Arc};

/// Names one POST and all its repeats; every callback carries it as a header.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DeliveryId(pub Arc<str>);

impl fmt::Display for DeliveryId {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// At most so many POSTs at once to one endpoint.
pub const IN_FLIGHT: usize = 4;
/// So much of an answer is kept with its attempt, in bytes.
pub const KEPT_ANSWER: usize = 1024;

/// What the engine knows of one endpoint; the rows themselves are in the store.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lane {
    /// Waiting events whose subject is free.
    pub ready: u64,
    /// Deliveries that are being sent now.
    pub in_flight: Vec<DeliveryId>,
}

/// What a delivery says: the same bytes at each try.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frozen {
    /// Goes to the end of the URL's query; empty where all is in the body.
    pub query: String,
    pub body: Vec<u8>,
}

/// A frozen delivery, handed to a sender. Query and body never change again.
#[derive(Clone, Debug)]
pub struct Job {
    pub delivery: DeliveryId,
    pub endpoint: EndpointId,
    pub query: String,
    pub body: Arc<[u8]>,
    /// Tries made before this one.
    pub tries: u32,
}

/// Events that become one delivery.
#[derive(Clone, Copy, Debug)]
pub struct Freezing<'a> {
    pub delivery: &'a DeliveryId,
    pub endpoint: &'a EndpointId,
    pub at: Millis,
    /// Subjects and payloads, in order; as many as the endpoint [`takes`](EndpointId::takes).
    pub events: &'a [(String, String)],
}

/// How one try ended.
#[derive(Clone, Debug)]
pub struct Outcome {
    pub delivery: DeliveryId,
    pub endpoint: EndpointId,
    pub attempt: Attempt,
    pub end: TryEnd,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TryEnd {
    Delivered,
    /// The endpoint's fault: a rung of the ladder is spent.
    Failed,
    /// Our own fault, or nobody's: the same rung again.
    NotSpent,
}

/// One try as it is recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    pub at: Millis,
    /// The URL it went to, as it was configured: without what was added to its query.
    pub url: String,
    /// The HTTP status, or what went wrong before there was one.
    pub result: Result<u16, String>,
    pub took_ms: u32,
    /// The first [`KEPT_ANSWER`] bytes of the answer.
    pub answer: Vec<u8>,
}
