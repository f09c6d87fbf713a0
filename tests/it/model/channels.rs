//! Random sequences of what clients, the operator and the machine do to RTC channels, against a model of
//! them. The model is in `channel.rs`; what is done, and how the two are compared, in `channel_driver.rs`.

use super::{
    channel::{CHANNELS, Channel, MEDIAS, Report, STREAMER, USERS, VIEWER},
    channel_driver::{Driver, Op},
    check,
    group::User,
};
use proptest::{
    collection::vec,
    option,
    prelude::*,
    sample::{select, subsequence},
    strategy::Union,
};

const CASES: u32 = 16;
const STEPS: usize = 50;

fn user() -> impl Strategy<Value = User> {
    0..USERS
}

/// Most happens in the first one, so that users meet.
fn channel() -> impl Strategy<Value = Channel> {
    (0..3usize).prop_map(|n| n.saturating_sub(1) % CHANNELS)
}

fn role() -> impl Strategy<Value = u8> {
    select(vec![STREAMER, STREAMER, VIEWER])
}

fn medias() -> impl Strategy<Value = Vec<usize>> {
    subsequence((0..MEDIAS.len()).collect::<Vec<usize>>(), 1..=MEDIAS.len())
}

fn wait() -> impl Strategy<Value = u64> {
    select(vec![300, 1_999, 2_000, 2_500, 30_000, 89_999, 90_000, 100_000])
}

fn report() -> impl Strategy<Value = Report> {
    user().prop_flat_map(report_of)
}

fn report_of(user: User) -> impl Strategy<Value = Report> {
    Union::new_weighted(vec![
        (8, (role(), any::<bool>()).prop_map(move |(role, relay)| Report::Join(user, role, relay)).boxed()),
        (2, any::<bool>().prop_map(move |relay| Report::Leave(user, relay)).boxed()),
        (2, Just(Report::Kick(user)).boxed()),
        (5, medias().prop_map(move |medias| Report::Publish(user, medias)).boxed()),
        (2, medias().prop_map(move |medias| Report::Unpublish(user, medias)).boxed()),
        (2, role().prop_map(move |role| Report::Role(user, role)).boxed()),
        (3, Just(Report::Heartbeat(user)).boxed()),
    ])
}

/// What makes sense together, so that batches are not all refused.
fn reports() -> impl Strategy<Value = Vec<Report>> {
    Union::new_weighted(vec![
        (6, report().prop_map(|report| vec![report]).boxed()),
        (2, vec(report(), 2..4).boxed()),
        (2, (user(), medias()).prop_map(|(user, medias)| vec![Report::Join(user, STREAMER, false), Report::Publish(user, medias)]).boxed()),
        (1, (user(), medias()).prop_map(|(user, m)| vec![Report::Join(user, STREAMER, true), Report::Publish(user, m), Report::Leave(user, true)]).boxed()),
    ])
}

fn op() -> impl Strategy<Value = Op> {
    let place = || (user(), channel());
    Union::new_weighted(vec![
        (22, (place(), role()).prop_map(|((user, channel), role)| Op::Subscribe(user, channel, role)).boxed()),
        (5, place().prop_map(|(user, channel)| Op::Unsubscribe(user, channel)).boxed()),
        (16, (place(), medias()).prop_map(|((user, channel), medias)| Op::Publish(user, channel, medias)).boxed()),
        (6, (place(), medias()).prop_map(|((user, channel), medias)| Op::Unpublish(user, channel, medias)).boxed()),
        (7, (place(), role()).prop_map(|((user, channel), role)| Op::Role(user, channel, role)).boxed()),
        (8, user().prop_map(Op::Vanish).boxed()),
        (4, user().prop_map(Op::Goodbye).boxed()),
        (8, user().prop_map(Op::Return).boxed()),
        (3, user().prop_map(Op::TakeOver).boxed()),
        (2, user().prop_map(Op::LogOff).boxed()),
        (20, (channel(), reports()).prop_map(|(channel, reports)| Op::Report(channel, reports)).boxed()),
        (3, channel().prop_map(Op::HeartbeatAll).boxed()),
        (2, user().prop_map(Op::ForceOff).boxed()),
        (2, channel().prop_map(Op::Delete).boxed()),
        (12, wait().prop_map(Op::Wait).boxed()),
        (2, Just(Op::Restart).boxed()),
        (2, Just(Op::Crash).boxed()),
        (2, Just(Op::Down).boxed()),
        (4, Just(Op::Up).boxed()),
    ])
}

/// What happens to a session.
fn turn(user: User) -> impl Strategy<Value = Op> {
    let ops = [Op::Vanish(user), Op::Goodbye(user), Op::Return(user), Op::TakeOver(user), Op::ForceOff(user), Op::LogOff(user), Op::Restart, Op::Crash];
    prop_oneof![4 => select(ops.to_vec()), 1 => wait().prop_map(Op::Wait)]
}

/// What chance alone would seldom bring together: much about one user in one channel.
fn scene() -> impl Strategy<Value = Vec<Op>> {
    (user(), channel(), medias(), role()).prop_flat_map(|(user, channel, medias, role)| {
        let reported = Op::Report(channel, vec![Report::Join(user, STREAMER, false), Report::Publish(user, medias.clone())]);
        let subscribed = vec![Op::Subscribe(user, channel, STREAMER), Op::Publish(user, channel, medias)];
        let begin = prop_oneof![3 => Just(subscribed), 1 => Just(vec![reported])];
        let speak = vec(prop_oneof![report_of(user).prop_map(move |r| Op::Report(channel, vec![r])), Just(Op::HeartbeatAll(channel))], 0..2);
        let back = option::of(Just(Op::Subscribe(user, channel, role)));
        (begin, vec(turn(user), 1..4), speak, back, wait())
            .prop_map(|(begin, turns, speak, back, ms)| [begin, turns, speak, back.into_iter().collect(), vec![Op::Wait(ms)]].concat())
    })
}

/// Several are in one channel when something happens to all of them.
fn crowd() -> impl Strategy<Value = Vec<Op>> {
    let users = subsequence((0..USERS).collect::<Vec<User>>(), 2..=USERS);
    let all = prop_oneof![2 => Just(None), 1 => Just(Some(Op::Restart)), 1 => Just(Some(Op::Crash))];
    (users, channel(), all, wait()).prop_map(|(users, channel, all, ms)| {
        let reported = Op::Report(channel, vec![Report::Join(users[0], STREAMER, false)]);
        let subscribed = users[1..].iter().map(|user| Op::Subscribe(*user, channel, STREAMER));
        let end = all.map_or(vec![Op::Delete(channel)], |all| vec![all, Op::Wait(ms)]);
        [vec![reported], subscribed.collect(), end].concat()
    })
}

fn ops() -> impl Strategy<Value = Vec<Op>> {
    let steps = Union::new_weighted(vec![(20, op().prop_map(|op| vec![op]).boxed()), (4, scene().boxed()), (1, crowd().boxed())]);
    vec(steps, 1..=STEPS).prop_map(|steps| steps.concat())
}

#[test]
fn channels_never_differ_from_their_model() {
    check::never_differs("channels", CASES, &ops(), |world, ops| {
        let mut driver = Driver::new(world)?;
        check::each(ops, |op| driver.step(op))?;
        driver.finish().map_err(|differs| format!("when everybody has left: {differs}"))
    });
}
