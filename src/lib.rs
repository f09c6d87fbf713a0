pub mod alibaba;
pub mod clock;
pub mod control;
pub mod domain;
pub mod engine;
pub mod ids;
pub mod settings;
pub mod store;
