use super::*;
use crate::{
    domain::{
        ConnRef, Epoch, GroupId, Millis, SessionId, Tick,
        account::Account,
        event::Event,
        kind::MsgFlag,
        request::{GroupChange, GroupRequest, MemberPage},
        session::Link,
        state::Rules,
    },
    fake,
};

fn user(name: &str) -> UserId {
    UserId::trusted(name)
}

fn ids(text: &str) -> Vec<UserId> {
    text.split_whitespace().map(user).collect()
}

/// A group of this kind that `o` owns, in an application that knows `o a b c d`.
struct Place {
    state: State,
    rules: Rules,
}

impl Place {
    fn new(kind: GroupKind, join_option: JoinOption) -> Place {
        let (mut state, mut rules) = (State::default(), Rules::default());
        rules.quotas.members_per_group = 3;
        rules.quotas.kept_groups_per_user = 2;
        state.apply(Change::App(Arc::new(fake::app("demo"))));
        for user in ids("o a b c d") {
            state.apply(Change::Account(AppId::trusted("demo"), Arc::new(Account { user, nick: String::new(), face_url: String::new() })));
        }
        state.apply(Change::Group(Arc::new(Group { kind, join_option, owner: "o".into(), ..fake::group(1, "demo", "g") })));
        Place { state, rules }
    }

    /// Does it, and says what was told of it.
    fn told<T>(&mut self, what: impl FnOnce(&mut Tx) -> Result<T, Refusal>) -> Result<(T, Vec<String>), Refusal> {
        let mut tx = Tx::new(&mut self.state, &self.rules, Millis(5), Tick(0));
        let done = what(&mut tx).inspect_err(|_| tx.back_to_start())?;
        let names = |users: &[UserId]| users.iter().map(UserId::as_str).collect::<Vec<_>>().join(" ");
        let told = tx.events.iter().map(|event| match event {
            Event::Group(event) => match &event.what {
                InGroup::Joined { users, how } => format!("{how:?} {}", names(users)),
                InGroup::Left { users, how } => format!("{how:?} {}", names(users)),
                InGroup::Online { user, .. } => format!("online {user}"),
                InGroup::Offline { user, .. } => format!("offline {user}"),
                other => format!("{other:?}").split([' ', '{']).next().unwrap_or_default().to_string(),
            },
            other => format!("{other:?}"),
        });
        Ok((done, told.collect()))
    }

    fn add(&mut self, users: &str) -> Result<(Vec<Added>, Vec<String>), Refusal> {
        let members = ids(users).into_iter().map(|user| NewMember { user, admin: false, data: BTreeMap::new() }).collect();
        let (added, told) = self.told(|tx| add(tx, Gid(1), Actor::system(), members))?;
        Ok((added.into_iter().map(|(_, added)| added).collect(), told))
    }

    /// The user comes, or comes back, with a session that has its name.
    fn subscribe(&mut self, name: &str) -> Result<Vec<String>, Refusal> {
        let (sid, conn) = (SessionId::trusted(name), ConnRef { hub: 0, slot: name.as_bytes()[0].into(), generation: 0 });
        if self.state.session(&sid).is_none() {
            self.state.apply(Change::Session(Arc::new(fake::session("demo", name))));
            self.state.apply(Change::Link(sid.clone(), Some(Link::Attached { conn, resubscribe_by: None })));
        }
        let group = GroupId::trusted("g");
        self.told(|tx| membership::subscribe(tx, &sid, conn, 1, &group, false, |_| Ok(membership::Recovery::default()))).map(|((), told)| told)
    }

    fn members(&self) -> String {
        let group = self.state.group(Gid(1)).unwrap();
        group.in_order().iter().map(|m| format!("{}{}", m.user, if m.sid.is_some() { "+" } else { "" })).collect::<Vec<_>>().join(" ")
    }
}

#[test]
fn who_may_come_by_itself() {
    use GroupKind::*;
    use JoinOption::*;
    for (kind, option, name, expected) in [
        (Work, Free, "a", None),
        (Public, NeedPermission, "a", None),
        (Public, Disabled, "a", None),
        (Public, Free, "a", Some("Applied a")),
        (Meeting, Free, "a", Some("Applied a")),
        (Community, Free, "a", Some("Applied a")),
        (Community, Disabled, "a", None),
        (AvChatRoom, Disabled, "a", Some("online a,Applied a")),
        // Its owner is let in by no option.
        (Work, Disabled, "o", Some("Applied o")),
    ] {
        let mut place = Place::new(kind, option);
        let came = place.subscribe(name);
        match expected {
            Some(told) => assert_eq!(came.unwrap().iter().filter(|told| !told.contains("Session")).cloned().collect::<Vec<_>>().join(","), told, "{kind:?}"),
            None => assert!(matches!(came, Err(Refusal::NotAllowed(_))), "{kind:?} {option:?}"),
        }
    }
}

#[test]
fn a_member_stays_while_it_is_not_there() {
    let mut place = Place::new(GroupKind::Public, JoinOption::NeedPermission);
    assert_eq!(place.add("a").unwrap().1, ["Invited a"]);
    assert_eq!((place.members().as_str(), place.state.group(Gid(1)).unwrap().present.len()), ("a", 0));
    assert_eq!(place.subscribe("a").unwrap(), [""; 0], "it was a member before");
    assert_eq!((place.members().as_str(), place.state.group(Gid(1)).unwrap().present.len()), ("a+", 1));
    let gone = place.told(|tx| {
        membership::leave(tx, &SessionId::trusted("a"), Gid(1), Some((crate::domain::event::OfflineCause::Left, Actor::system())));
        Ok(())
    });
    assert_eq!((gone.unwrap().1, place.members().as_str(), place.state.group(Gid(1)).unwrap().present.len()), (vec![], "a", 0));
    place.subscribe("a").unwrap();
    assert_eq!(place.told(|tx| quit(tx, Gid(1), Actor::system(), &user("a"))).unwrap().1, ["Quit a"]);
    assert_eq!((place.members().as_str(), place.state.group(Gid(1)).unwrap().present.len()), ("", 0));
    assert!(matches!(place.subscribe("a"), Err(Refusal::NotAllowed(_))), "it has to be let in anew");
    assert!(matches!(place.told(|tx| quit(tx, Gid(1), Actor::system(), &user("a"))), Err(Refusal::NotInGroup(_))));
}

#[test]
fn each_of_those_who_are_added_is_told_of() {
    let mut place = Place::new(GroupKind::Work, JoinOption::Free);
    use Added::*;
    assert_eq!(place.add("a stranger a").unwrap(), (vec![Now, Refused, Already], vec!["Invited a".into()]));
    assert_eq!(place.add("b c d a").unwrap(), (vec![Now, Now, Refused, Already], vec!["Invited b c".into(), "Full".into()]));
    assert_eq!(place.add("d a").unwrap(), (vec![Refused, Already], vec!["Full".into()]));
    assert!(matches!(place.add("d"), Err(Refusal::GroupFull(_))));
    assert_eq!(place.members(), "a b c");
    let mut room = Place::new(GroupKind::AvChatRoom, JoinOption::Free);
    assert!(matches!(room.add("a"), Err(Refusal::NotAllowed(_))));
}

#[test]
fn a_user_is_kept_by_so_many_groups() {
    let mut place = Place::new(GroupKind::Meeting, JoinOption::Free);
    for (gid, name) in [(2, "g2"), (3, "g3")] {
        place.state.apply(Change::Group(Arc::new(Group { kind: GroupKind::Work, ..fake::group(gid, "demo", name) })));
        let put = |tx: &mut Tx| {
            put_new(tx, Gid(gid), &user("a"), None, BTreeMap::new());
            Ok(())
        };
        place.told(put).unwrap();
    }
    assert_eq!(place.add("a b").unwrap().0, [Added::Refused, Added::Now]);
    assert_eq!(place.subscribe("a"), Err(Refusal::TooManyJoined(2)));
    assert_eq!(place.state.kept_groups_of(&AppId::trusted("demo"), &user("a")), [Gid(2), Gid(3)]);
}

#[test]
fn who_goes_rules_no_more() {
    let mut place = Place::new(GroupKind::Public, JoinOption::Free);
    place.add("o a b").unwrap();
    let make_admin = MemberChange { admin: Some(true), ..MemberChange::default() };
    assert_eq!(place.told(|tx| change(tx, Gid(1), Actor::system(), user("a"), make_admin.clone())).unwrap().1, ["AdminsChanged"]);
    assert!(matches!(place.told(|tx| put_out(tx, Gid(1), Actor::system(), &ids("b o"))), Err(Refusal::NotAllowed(_))));
    assert_eq!(place.members(), "o a b");
    assert_eq!(place.told(|tx| put_out(tx, Gid(1), Actor::system(), &ids("a x b"))).unwrap().1, ["Kicked a b"]);
    let group = place.state.group(Gid(1)).unwrap().config.clone();
    assert_eq!((group.owner.as_str(), group.admins.len()), ("o", 0));
    assert!(matches!(place.told(|tx| quit(tx, Gid(1), Actor::system(), &user("o"))), Err(Refusal::OwnerCannotQuit(_))));
    let app = AppId::trusted("demo");
    let (deleted, told) = place.told(|tx| account::delete(tx, &app, ids("o o"), &Actor::system())).unwrap();
    assert_eq!((deleted, told), (vec![(user("o"), true), (user("o"), false)], vec!["Quit o".into()]));
    assert_eq!((place.state.group(Gid(1)).unwrap().config.owner.as_str(), place.members().as_str()), ("", ""));
}

#[test]
fn a_member_is_changed_as_a_whole_or_not_at_all() {
    let mut place = Place::new(GroupKind::Public, JoinOption::Free);
    place.add("o a").unwrap();
    let data = |text: &str| Some(text.split_whitespace().map(|pair| pair.split_once('=').map(|(k, v)| (k.into(), v.into())).unwrap()).collect());
    let all =
        MemberChange { admin: None, flag: Some(MsgFlag::Silent), name_card: Some("Ann".into()), data: data("k=1 l=2"), mute: Some(Some(Until::At(Millis(9)))) };
    let mut change = |name: &str, what: MemberChange| place.told(|tx| super::change(tx, Gid(1), Actor::system(), user(name), what)).map(|_| ());
    change("a", all.clone()).unwrap();
    change("a", MemberChange { data: data("k= m=3"), ..MemberChange::default() }).unwrap();
    assert!(matches!(change("o", MemberChange { admin: Some(true), ..all.clone() }), Err(Refusal::NotAllowed(_))));
    assert!(matches!(change("b", all), Err(Refusal::NoSuchMember { .. })));
    let many = MemberChange { name_card: Some("x".into()), data: data("k=1 n=1 o=1 p=1"), ..MemberChange::default() };
    assert_eq!(change("a", many), Err(Refusal::TooMuchData { keys: 6, most: 5 }));
    let tx = Tx::new(&mut place.state, &place.rules, Millis(8), Tick(0));
    let found = page(&tx, Gid(1), &RosterPage { ranks: vec![], after: None, skip: 0, limit: 9 });
    let [owner, ann] = &found.members[..] else { panic!("{found:?}") };
    assert_eq!((owner.rank, owner.name_card.as_str(), owner.muted), (Rank::Owner, "", None));
    assert_eq!((ann.rank, ann.name_card.as_str(), ann.flag, ann.muted), (Rank::Member, "Ann", MsgFlag::Silent, Some(Until::At(Millis(9)))));
    assert_eq!(ann.data, [("l".into(), "2".into()), ("m".into(), "3".into())].into());
}

#[test]
fn members_are_listed_page_by_page() {
    let mut place = Place::new(GroupKind::Public, JoinOption::Free);
    place.rules.quotas.members_per_group = 0;
    place.add("o a b c d").unwrap();
    let admin = MemberChange { admin: Some(true), ..MemberChange::default() };
    place.told(|tx| change(tx, Gid(1), Actor::system(), user("c"), admin)).unwrap();
    let tx = Tx::new(&mut place.state, &place.rules, Millis(8), Tick(0));
    let list = |ranks: &[Rank], after, skip, limit| {
        let found = page(&tx, Gid(1), &RosterPage { ranks: ranks.to_vec(), after, skip, limit });
        assert_eq!(found.total, 5);
        (found.members.iter().map(|m| m.user.as_str()).collect::<Vec<_>>().join(" "), found.next)
    };
    assert_eq!(list(&[], None, 0, 2), ("o a".into(), Some(2)));
    assert_eq!(list(&[], Some(2), 0, 3), ("b c d".into(), None));
    assert_eq!(list(&[], None, 3, 9), ("c d".into(), None));
    assert_eq!(list(&[Rank::Owner, Rank::Admin], None, 0, 9), ("o c".into(), None));
    assert_eq!(list(&[], None, 9, 9), (String::new(), None));
    let of = ranks(&tx, Gid(1), ids("o x c d"));
    assert_eq!(of.into_iter().map(|(_, rank)| rank).collect::<Vec<_>>(), [Some(Rank::Owner), None, Some(Rank::Admin), Some(Rank::Member)]);
}

#[test]
fn only_members_rule_over_it_and_not_too_many() {
    let mut place = Place::new(GroupKind::Work, JoinOption::Free);
    place.rules.quotas.members_per_group = 0;
    place.add("a b").unwrap();
    let rule = |place: &mut Place, admins: &str| {
        let change = GroupRequest::Modify(Box::new(GroupChange { admins: Some(ids(admins)), ..GroupChange::default() }));
        place.told(|tx| group::perform(tx, &AppId::trusted("demo"), &GroupId::trusted("g"), Actor::system(), change, Epoch(1)).map(drop))
    };
    assert!(matches!(rule(&mut place, "a c"), Err(Refusal::NoSuchMember { user: who, .. }) if who == "c"), "a stranger could bring itself in");
    rule(&mut place, "a b").unwrap();
    let many: Vec<UserId> = (0..MOST_ADMINS).map(|n| user(&format!("m{n}"))).collect();
    let old = place.state.group(Gid(1)).unwrap().config.clone();
    place.state.apply(Change::Group(Arc::new(Group { admins: many, ..(*old).clone() })));
    let one_more = MemberChange { admin: Some(true), ..MemberChange::default() };
    assert_eq!(place.told(|tx| change(tx, Gid(1), Actor::system(), user("a"), one_more)).unwrap_err(), Refusal::TooManyAdmins(MOST_ADMINS));
}

#[test]
fn of_a_group_that_keeps_many_no_list_is_made_but_of_those_who_are_there() {
    let mut place = Place::new(GroupKind::Public, JoinOption::Free);
    (place.rules.quotas.members_per_group, place.rules.quotas.super_large_above) = (0, 2);
    place.add("a b c").unwrap();
    place.subscribe("b").unwrap();
    place.subscribe("a").unwrap();
    let tx = Tx::new(&mut place.state, &place.rules, Millis(5), Tick(0));
    let there = membership::presence(&tx, &AppId::trusted("demo"), &GroupId::trusted("g")).unwrap();
    assert_eq!(there.iter().map(|who| who.user.as_str()).collect::<Vec<_>>(), ["a", "b"], "in the order in which they joined");
    assert!(membership::page(&tx, Gid(1), &MemberPage { ascending: true, after: None, limit: 9 }).super_large);
}
