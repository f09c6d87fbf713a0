//! The dialect of Tencent Cloud Chat and Live. Every spelling of that cloud is in here. Knows no socket, no
//! HTTP library and no SQL; bytes come in and go out as plain types.

mod account;
mod body;
mod c2c;
pub mod command;
pub mod destination;
pub mod elements;
pub mod error;
pub mod explain;
mod failures;
mod group;
pub mod hook;
mod live_config;
mod live_room;
mod message;
mod misc;
pub mod names;
pub mod received;
pub mod rest;
mod restraint;
pub mod usersig;
pub mod webhook;
pub mod words;

#[cfg(test)]
mod tests;
