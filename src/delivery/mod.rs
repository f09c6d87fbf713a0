//! Calls the businesses' servers. Callbacks: takes frozen jobs, makes one try of each, hands back how it
//! ended. Questions ([`ask`]): asks each once and hands back the verdict. What is sent next, and when, is
//! the engine's; where to and how it is signed is asked anew for each POST. Knows no cloud's spelling and
//! no row of the store: both are behind the functions of [`Config`] and [`ask::Config`].

pub mod ask;
pub mod dispatcher;
pub mod pool;
pub mod post;
pub mod resolver;
pub mod sender;

pub use dispatcher::Dispatcher;

use crate::{
    clock::Clock,
    domain::{
        address::AllowList,
        outbox::{Job, Outcome},
    },
};
use std::{sync::Arc, time::Duration};

/// Every callback and all its repeats carry the delivery's id in this header.
pub const DELIVERY_HEADER: &str = "Roomd-Delivery";

/// Where a delivery goes at this moment.
pub struct Target {
    /// As it is configured; this is recorded with the try.
    pub url: String,
    /// What is called: the URL with what was added to its query for this very try, perhaps a signature. Recorded nowhere.
    pub called: String,
    /// `Content-Type`, and the signature if it is here, made for this very try.
    pub headers: Vec<(String, String)>,
    pub patience: Patience,
    /// A public host may have a port that is not in the allow-list.
    pub any_port: bool,
    /// Was it delivered? Asked with the status and at most [`post::ANSWER_LIMIT`] bytes of the answer.
    pub success: fn(u16, &[u8]) -> bool,
}

pub type Outcomes = Arc<dyn Fn(Outcome) + Send + Sync>;
pub type Targets = Arc<dyn Fn(&Job) -> Option<Target> + Send + Sync>;

/// What the sending needs from the rest.
#[derive(Clone)]
pub struct Config {
    /// Takes the outcome of each try, once, on a sender's thread.
    pub outcome: Outcomes,
    /// Asked on a sender's thread, just before each try. `None`: the endpoint was removed.
    pub target: Targets,
    pub allow: AllowList,
    pub clock: Clock,
    /// How long a stopping server waits for tries under way before it cuts them off.
    pub stop: Duration,
}

/// A stop has 5 s in all, and the store wants some of it.
pub const STOP: Duration = Duration::from_secs(3);

/// How long a try may last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// Until the connection stands, TLS included.
    pub connect: Duration,
    /// The whole try, from the look-up of the name to the last byte of the answer.
    pub whole: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        // For those whose documents give no figure (`alibaba.md` §3.2).
        Patience { connect: Duration::from_secs(3), whole: Duration::from_secs(5) }
    }
}
