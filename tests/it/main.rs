//! Black-box tests of a started server: names are sentences, nothing sleeps, no port is fixed, and no
//! test knows of another. Most run a server in this process on a virtual clock; those about crashes
//! and the command line drive the shipped binary.

mod aimed;
mod bad_input;
mod bad_reports;
mod callbacks;
mod channel_crash;
mod channels;
mod chat_accounts;
mod chat_exceptions;
mod chat_groups;
mod chat_hooks;
mod chat_members;
mod chat_messages;
mod chat_webhooks;
mod cli;
mod cli_app;
mod control;
mod crash;
mod fanout;
mod groups;
mod harness;
mod imports;
mod life;
mod live_delivery;
mod live_members;
mod live_presence;
mod live_rooms;
mod live_webhooks;
mod logon;
mod model;
mod moderation;
mod reasons;
mod recovery;
mod rpc;
mod subscriptions;
mod super_large;
mod tencent_bad_input;
mod tencent_gateway;
mod wire;
