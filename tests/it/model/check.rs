//! Random sequences of steps against a server: how many, from which seed, shrunk when they fail; and how
//! the server and a model are said to differ.

use crate::harness::{World, wall};
use proptest::{
    strategy::Strategy,
    test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner},
};
use std::{
    fmt::Debug,
    panic::{AssertUnwindSafe, catch_unwind},
};

/// How the server and the model differ, in words.
pub type Differs = String;

pub fn same<T: PartialEq + Debug>(what: impl Into<String>, server: T, model: T) -> Result<(), Differs> {
    if server == model { Ok(()) } else { Err(format!("{}:\n  server {server:?}\n  model  {model:?}", what.into())) }
}

/// Runs `test` with random sequences, `cases` of them unless `ROOMD_MODEL_CASES` says otherwise.
pub fn never_differs<Op: Debug>(what: &str, cases: u32, ops: &impl Strategy<Value = Vec<Op>>, test: impl Fn(&mut World, &[Op]) -> Result<(), Differs>) {
    let env = |name: &str| std::env::var(name).ok();
    let cases = env("ROOMD_MODEL_CASES").and_then(|n| n.parse().ok()).unwrap_or(cases);
    let seed: u64 = match env("ROOMD_MODEL_SEED").as_deref() {
        None => 1,
        Some("new") => wall().0 as u64,
        Some(n) => n.parse().expect("ROOMD_MODEL_SEED is a number, or `new`"),
    };
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 400, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
    match runner.run(ops, |ops| run(&ops, &test).map_err(TestCaseError::fail)) {
        Ok(()) => {}
        Err(TestError::Fail(why, ops)) => panic!("with ROOMD_MODEL_SEED={seed} {what} and its model differ {why}\nthe steps: {}", listed(&ops)),
        Err(TestError::Abort(why)) => panic!("given up: {why}"),
    }
}

fn run<Op>(ops: &[Op], test: impl Fn(&mut World, &[Op]) -> Result<(), Differs>) -> Result<(), Differs> {
    let mut world = World::new();
    // The world must not go while a panic unwinds, or its server would stay.
    let done = catch_unwind(AssertUnwindSafe(|| test(&mut world, ops)));
    done.unwrap_or_else(|panic| Err(panic.downcast_ref::<String>().cloned().unwrap_or_else(|| "a panic".into())))
}

/// Takes the steps one by one.
pub fn each<Op: Debug>(ops: &[Op], mut step: impl FnMut(&Op) -> Result<(), Differs>) -> Result<(), Differs> {
    ops.iter().enumerate().try_for_each(|(n, op)| step(op).map_err(|differs| format!("after step {n}, {op:?}: {differs}")))
}

/// One a line.
fn listed<Op: Debug>(ops: &[Op]) -> String {
    ops.iter().map(|op| format!("\n  {op:?}")).collect()
}
