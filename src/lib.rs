pub mod clock;
pub mod delivery;
pub mod domain;
pub mod engine;
pub mod ids;
pub mod settings;
pub mod store;
