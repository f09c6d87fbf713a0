//! The dialect of Tencent Cloud Chat and Live. Every spelling of that cloud is in here. Knows no socket, no
//! HTTP library and no SQL; bytes come in and go out as plain types.

pub mod explain;
pub mod received;
pub mod usersig;
pub mod webhook;
pub mod words;
