//! What came over the wire of this cloud, in words for a person: callbacks and their signatures,
//! logins and join tokens, signed requests. For `listen`, `dev` and `verify`; nothing is decided with it.
//! Knows no socket and no HTTP library. An AppKey or a secret never appears in a text made here.

mod callback;
mod credential;
mod request;
mod words;

pub use callback::{Kind, callback, check_callback};
pub use credential::{channel, login};
pub use request::request;
pub use words::callback_in_words;

#[cfg(test)]
mod tests;
