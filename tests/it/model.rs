//! Random sequences of what clients, the business's server and the machine do to one group, against a
//! model of it: the two never differ. The model is in `model/group.rs`; what is done, and how the two
//! are compared, in `model/driver.rs`. The same of RTC channels is in `model/channels.rs`.
//!
//! `ROOMD_MODEL_CASES` sets the number of sequences, `ROOMD_MODEL_SEED` another start of the random
//! numbers: a number, or `new` for one that nobody knows before. A failure is shrunk to the shortest
//! sequence that still fails, and names its seed.

mod channel;
mod channel_driver;
mod channel_words;
mod channels;
mod check;
mod driver;
mod group;

use driver::{Driver, Op};
use group::{Say, USERS, User};
use proptest::{
    collection::vec,
    option,
    prelude::*,
    sample::{select, subsequence},
    strategy::Union,
};

const CASES: u32 = 24;
const STEPS: usize = 80;

fn user() -> impl Strategy<Value = User> {
    0..USERS
}

/// Some of the users, at least one.
fn some() -> impl Strategy<Value = Vec<User>> {
    subsequence((0..USERS).collect::<Vec<User>>(), 1..4)
}

fn say() -> impl Strategy<Value = Say> {
    // Few ids, so that they come again.
    let tid = option::weighted(0.3, (0..5).prop_map(|n| format!("t-{n}")));
    let kept = select(vec![(false, false), (false, false), (true, false), (false, true), (true, true)]);
    (select(vec![1, 1, 2, 10_001]), 0..4i64, kept, tid).prop_map(|(kind, increase, (no_storage, no_cache), tid)| Say {
        kind,
        increase,
        no_storage,
        no_cache,
        tid,
    })
}

/// With an id of its own, that may have been used before.
fn said() -> impl Strategy<Value = Say> {
    (say(), 0..5).prop_map(|(say, n)| Say { tid: Some(format!("t-{n}")), ..say })
}

fn wait() -> impl Strategy<Value = u64> {
    select(vec![500, 2_000, 2_500, 30_000, 89_999, 90_000, 100_000])
}

fn op() -> impl Strategy<Value = Op> {
    let back = || option::weighted(0.8, 0..6u64);
    let modify = (option::of(any::<bool>()), option::of(some()), option::of(some()));
    Union::new_weighted(vec![
        (16, user().prop_map(Op::Join).boxed()),
        (30, (user(), say()).prop_map(|(user, say)| Op::Publish(user, say)).boxed()),
        (4, user().prop_map(Op::Leave).boxed()),
        (8, user().prop_map(Op::Vanish).boxed()),
        (4, user().prop_map(Op::Goodbye).boxed()),
        (12, (user(), back()).prop_map(|(user, back)| Op::Return { user, back }).boxed()),
        (3, user().prop_map(Op::TakeOver).boxed()),
        (8, wait().prop_map(Op::Wait).boxed()),
        (2, Just(Op::Restart).boxed()),
        (8, say().prop_map(Op::Send).boxed()),
        (5, some().prop_map(Op::Ban).boxed()),
        (4, Just(Op::Unban).boxed()),
        (5, some().prop_map(Op::AddBand).boxed()),
        (4, some().prop_map(Op::RemoveBand).boxed()),
        (4, modify.prop_map(|(all, muted, except)| Op::ModifyBand { all, muted, except }).boxed()),
        (4, user().prop_map(Op::Kick).boxed()),
        (6, (0..6usize).prop_map(Op::DeleteMessage).boxed()),
        (3, some().prop_map(Op::SetAdmins).boxed()),
        (1, Just(Op::DeleteGroup).boxed()),
        (4, Just(Op::RecoverGroup).boxed()),
    ])
}

/// What chance alone would seldom bring together.
fn ops() -> impl Strategy<Value = Vec<Op>> {
    let publish = |user, say: &Say| Op::Publish(user, say.clone());
    let steps = Union::new_weighted(vec![
        (40, op().prop_map(|op| vec![op]).boxed()),
        (1, (user(), wait()).prop_map(|(user, ms)| vec![Op::Join(user), Op::Goodbye(user), Op::Wait(ms)]).boxed()),
        (1, (user(), wait()).prop_map(|(user, ms)| vec![Op::Join(user), Op::Vanish(user), Op::Wait(ms)]).boxed()),
        (1, (user(), wait()).prop_map(|(user, ms)| vec![Op::Join(user), Op::Return { user, back: None }, Op::Wait(ms)]).boxed()),
        (
            2,
            (user(), user(), say())
                .prop_map(move |(gone, user, say)| vec![Op::Vanish(gone), publish(user, &say), Op::Return { user: gone, back: Some(0) }])
                .boxed(),
        ),
        // The same again after a restart, and when nobody is there any more.
        (2, (user(), said()).prop_map(move |(user, say)| vec![Op::Join(user), publish(user, &say), Op::Restart, publish(user, &say)]).boxed()),
        (1, said().prop_map(|say| vec![Op::Send(say.clone()), Op::Restart, Op::Wait(90_000), Op::Send(say)]).boxed()),
    ]);
    vec(steps, 1..=STEPS).prop_map(|steps| steps.concat())
}

#[test]
fn a_group_never_differs_from_its_model() {
    check::never_differs("the group", CASES, &ops(), |world, ops| {
        let mut driver = Driver::new(world)?;
        check::each(ops, |op| driver.step(op))
    });
}
