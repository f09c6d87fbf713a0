//! Ends of mutes and bans: however far off they are, and however many, they leave little behind.

use super::*;
use crate::domain::mute::{MuteChange, Until};
use crate::engine::timers::LOOK_AT_ENDS;

const YEAR: i64 = 365 * 24 * 3_600_000;

#[test]
fn mutes_and_bans_that_end_in_years_leave_no_timers_behind() {
    let folder = Folder::new();
    let mut b = bench(&folder);
    let now = b.engine.core.clock.now().0;
    let ask = |b: &mut Bench, what| b.ask(Request::Group { app: app(), group: GroupId::trusted("g1"), by: Actor::system(), what }).unwrap();
    let users = || vec![UserId::trusted("u")];
    let before = b.engine.timers.len();
    for n in 0..20 {
        ask(&mut b, GroupRequest::ChangeMutes(MuteChange::MuteUntil(users(), Millis(now + YEAR - n))));
        ask(&mut b, GroupRequest::Ban { users: users(), until: Until::At(Millis(now + YEAR / 2 - n)) });
    }
    assert!(b.engine.timers.len() <= before + 1, "each is sooner than the one before: {} timers", b.engine.timers.len());
    for _ in 0..3 {
        b.engine.core.clock.advance(LOOK_AT_ENDS).unwrap();
        b.batch(vec![]);
        assert_eq!(b.engine.ends.len(), 1, "looked at again");
    }
    let muted = |b: &Bench| b.engine.core.state.group_named(&app(), &GroupId::trusted("g1")).unwrap().config.mutes.users.len();
    b.engine.core.clock.advance(YEAR as u64).unwrap();
    assert_eq!(muted(&b), 1);
    b.batch(vec![]);
    assert_eq!((muted(&b), b.engine.ends.len()), (0, 0), "taken out when it is over");

    ask(&mut b, GroupRequest::ChangeMutes(MuteChange::MuteUntil(users(), Millis(now + 9 * YEAR))));
    ask(&mut b, GroupRequest::Delete);
    b.engine.core.clock.advance(LOOK_AT_ENDS).unwrap();
    b.batch(vec![]);
    assert_eq!(b.engine.ends.len(), 0, "nothing of a group that is gone");
}
