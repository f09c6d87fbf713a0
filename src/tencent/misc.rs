//! What belongs to no theme (`tencent.md` §5.6).

use super::{
    command::{Call, told},
    rest::Outcome,
};
use serde::Serialize;

/// Where webhooks come from, for firewalls that let nobody else in.
pub fn addresses(call: &Call) -> Outcome {
    #[derive(Serialize)]
    struct Found {
        #[serde(rename = "IPList")]
        addresses: Vec<String>,
    }
    told(&Found { addresses: (call.gateway.addresses)().iter().map(ToString::to_string).collect() })
}
