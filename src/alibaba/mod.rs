//! The dialect of Alibaba Cloud Live (product `live`, version 2016-11-01): its request signatures,
//! its operations, its login tokens and its callbacks. Every spelling of that cloud is in here.
//! Knows no socket, no HTTP library and no SQL; bytes come in and go out as plain types.

pub mod error;
mod event_sub;
pub mod explain;
pub mod live_callback;
pub mod messaging;
pub mod moderation;
pub mod nonce;
pub mod operation;
mod params;
pub mod rpc;
pub mod rtc_callback;
pub mod signature;
pub mod stamp;
pub mod token;

#[cfg(test)]
mod tests;
