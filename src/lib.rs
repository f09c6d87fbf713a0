pub mod clock;
pub mod domain;
pub mod engine;
pub mod ids;
pub mod settings;
pub mod socket;
pub mod store;
