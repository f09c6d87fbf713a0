//! Groups of more than 2,000 members (`alibaba.md` §2.2, `session.md` §3), with 2,500 real sockets:
//! lists are gone, counts are exact and seldom, messages go on as ever, and memory stays bounded.

use crate::harness::{Folder, Listener, Process, World, alone, wall};
use serde_json::{Value, json};

/// Up to so many members a group is a normal one.
const NORMAL: usize = 2_000;
const MEMBERS: usize = 2_500;

/// A server that lets so many come from one address, with an empty group `g1`.
fn world() -> World {
    let world = World::with(|settings| settings.limits.connections_per_address = 0);
    // Callbacks are another subject; each join would be one.
    world.api().ok("ModifyLiveMessageAppCallback", &[("AppId", &world.app.id)]);
    world.groups(&["g1"]);
    world
}

/// The users `u<n>`, all in the group.
fn members(world: &World, numbers: std::ops::Range<usize>) -> Vec<Listener> {
    let logins: Vec<String> = numbers.map(|n| world.login(&format!("u{n}"))).collect();
    Listener::crowd(world.server.running().sessions, "g1", &logins)
}

fn describe(world: &World) -> Value {
    world.api().ok("DescribeLiveMessageGroup", &[("AppId", &world.app.id), ("GroupId", "g1")])
}

/// Whether the group is super-large, and how many are in it.
fn size(world: &World) -> (bool, u64) {
    let group = describe(world);
    (group["SuperLargeGroup"].as_bool().unwrap(), group["OnlineUserCounts"].as_u64().unwrap())
}

/// How many a member sees in its list; or the error.
fn listed(member: &mut Listener) -> Result<usize, u64> {
    let reply = member.ask("presence", json!({"channel": "group:g1"}));
    match reply["presence"]["presence"].as_object() {
        Some(members) => Ok(members.len()),
        None => Err(reply["error"]["code"].as_u64().unwrap_or_else(|| panic!("{reply}"))),
    }
}

/// The same for the business's server: how many are on the first page, and whether there is more.
fn page(world: &World) -> (usize, bool) {
    let ask = [("AppId", &*world.app.id), ("GroupId", "g1"), ("SortType", "1"), ("PageSize", "50")];
    let page = world.api().ok("ListLiveMessageGroupUsers", &ask);
    (page["UserList"].as_array().unwrap().len(), page["Hasmore"].as_bool().unwrap())
}

fn leave_all(members: &mut [Listener]) {
    let leave = json!({"channel": "group:g1"});
    let ids: Vec<u32> = members.iter_mut().map(|member| member.say("unsubscribe", leave.clone())).collect();
    for (member, id) in members.iter_mut().zip(ids) {
        assert!(member.reply(id).get("unsubscribe").is_some());
    }
}

#[test]
fn the_2001st_member_makes_a_group_super_large_until_everybody_has_left() {
    let _alone = alone();
    let world = world();
    let mut crowd = members(&world, 0..NORMAL);
    assert_eq!((size(&world), listed(&mut crowd[0])), ((false, 2_000), Ok(2_000)), "2,000 are a normal group");
    crowd.extend(members(&world, NORMAL..NORMAL + 1));
    assert_eq!((size(&world), listed(&mut crowd[0])), ((true, 2_001), Err(108)), "one more is not");
    // It stays so, however few are left, and whoever comes and goes meanwhile.
    leave_all(&mut crowd[1..]);
    assert_eq!((size(&world), listed(&mut crowd[0])), ((true, 1), Err(108)), "one is still in it");
    crowd[1].ok("subscribe", json!({"channel": "group:g1"}));
    crowd[0].leave("g1");
    assert_eq!((size(&world), listed(&mut crowd[1])), ((true, 1), Err(108)), "it was not empty in between");
    crowd[1].leave("g1");
    assert_eq!(size(&world), (false, 0), "everybody left");
    // And it is an ordinary group again, with lists.
    crowd[2].ok("subscribe", json!({"channel": "group:g1"}));
    let mut watcher = world.member("watcher", "g1");
    crowd[3].ok("subscribe", json!({"channel": "group:g1"}));
    assert_eq!((size(&world), listed(&mut crowd[2])), ((false, 3), Ok(3)));
    assert_eq!(watcher.push()["join"]["info"]["user"], "u3", "who comes is told by name");
    assert_eq!(page(&world), (3, false));
}

#[test]
fn a_super_large_group_has_no_lists_but_exact_numbers_and_knows_each_member() {
    let _alone = alone();
    let world = world();
    let mut crowd = members(&world, 0..NORMAL);
    assert_eq!(page(&world), (50, true), "2,000 are listed");
    crowd.extend(members(&world, NORMAL..MEMBERS));
    assert_eq!(listed(&mut crowd[MEMBERS - 1]), Err(108));
    assert_eq!(crowd[0].ok("presence_stats", json!({"channel": "group:g1"})), json!({"num_clients": 2_500, "num_users": 2_500}));
    crowd[7].leave("g1");
    assert_eq!(size(&world), (true, 2_499));
    assert_eq!(describe(&world)["TotalTimes"], 2_500, "all joins ever");
    let joined = crowd[7].ok("subscribe", json!({"channel": "group:g1"}));
    assert_eq!((&joined["data"]["online"], &joined["data"]["total"]), (&json!(2_500), &json!(2_501)), "a join shows them as well");
    crowd[7].leave("g1");
    assert_eq!(page(&world), (0, false), "the list is cleared");
    let ask = [("AppId", &*world.app.id), ("GroupId", "g1"), ("UserIds", "u0,u7,u2499,nobody")];
    let told = world.api().ok("CheckLiveMessageUsersInGroup", &ask)["Users"].take();
    let expected = [("u0", true), ("u7", false), ("u2499", true), ("nobody", false)];
    assert_eq!(told, json!(expected.map(|(user, is)| json!({"UserId": user, "Online": is}))), "asked by name, it still knows");
}

/// Time and count of members, of lines that must all be counts.
fn counts(lines: &[String]) -> Vec<(i64, u64)> {
    let count = |line: &String| {
        let line: Value = serde_json::from_str(line).unwrap();
        let said = &line["push"]["pub"];
        assert_eq!((&said["tags"]["event"], said.get("offset")), (&json!("group.count"), None), "{line}");
        (said["time"].as_i64().expect("when"), said["data"]["online"].as_u64().expect("how many"))
    };
    lines.iter().map(count).collect()
}

#[test]
fn a_super_large_group_tells_counts_at_least_5_s_apart_instead_of_who_comes_and_goes() {
    let _alone = alone();
    let world = world();
    let mut watcher = world.member("watcher", "g1");
    let mut crowd = members(&world, 0..MEMBERS);
    let mut all = crowd[0].heard();
    world.advance(4_999);
    all.extend(crowd[0].heard());
    assert_eq!(counts(&all).len(), 1, "the first at once, and no other within 5 s: {all:?}");
    world.advance(1);
    let second = crowd[0].heard();
    assert_eq!(counts(&second).iter().map(|(_, n)| *n).collect::<Vec<u64>>(), [2_501], "exact");
    all.extend(second);
    world.advance(12_000);
    assert_eq!(crowd[0].heard(), [""; 0], "nothing changed");
    // Many leave and some come back: one count at once, one 5 s later.
    leave_all(&mut crowd[1_000..]);
    for member in &mut crowd[1_000..1_010] {
        member.ok("subscribe", json!({"channel": "group:g1"}));
    }
    world.advance(5_000);
    let mut then = crowd[0].heard();
    let told = counts(&then);
    assert!(told.len() == 2 && told[1].1 == 1_011, "{told:?}");
    let total = |line: &String| serde_json::from_str::<Value>(line).unwrap()["push"]["pub"]["data"]["total"].clone();
    assert_eq!(total(&then[1]), 2_511, "and all joins ever");
    all.append(&mut then);
    let times: Vec<i64> = counts(&all).iter().map(|(at, _)| *at).collect();
    assert!(times.windows(2).all(|t| t[1] - t[0] >= 5_000), "{times:?}");
    // The same for everybody who was there all the time; whoever asked for names got those of the first 2,000.
    for member in &mut crowd[1..1_000] {
        assert_eq!(member.heard(), all);
    }
    let (named, rest): (Vec<Value>, Vec<Value>) = watcher.heard().into_iter().partition(|push| push.get("join").is_some());
    let rest: Vec<String> = rest.into_iter().map(|push| json!({"push": push}).to_string()).collect();
    assert_eq!((named.len(), counts(&rest)), (NORMAL - 1, counts(&all)));
}

#[test]
fn a_message_reaches_each_of_2500_members_once_and_in_order() {
    let _alone = alone();
    let world = world();
    let mut crowd = members(&world, 0..MEMBERS);
    // What they were told of each other while they came.
    crowd.iter_mut().for_each(|member| drop(member.heard()));
    for round in 0..4 {
        // Several speak at once; the last joined among them.
        for speaker in [0, 1_234, MEMBERS - 1] {
            let said = (0..10).map(|n| json!({"body": format!("{round} {speaker} {n}"), "weight": 5}));
            crowd[speaker].tell_all("g1", said);
        }
    }
    let first = crowd[0].heard();
    let said: Vec<Value> = first.iter().map(|line| serde_json::from_str::<Value>(line).unwrap()["push"]["pub"].take()).collect();
    let offsets: Vec<u64> = said.iter().map(|p| p["offset"].as_u64().expect("an offset")).collect();
    assert_eq!(offsets, (1..=120).collect::<Vec<u64>>(), "the sender hears its own, too");
    let bodies: Vec<String> = said.iter().map(|p| p["data"]["body"].as_str().unwrap().to_owned()).collect();
    let expected = (0..4).flat_map(|round| [0, 1_234, MEMBERS - 1].into_iter().flat_map(move |who| (0..10).map(move |n| format!("{round} {who} {n}"))));
    assert_eq!(bodies, expected.collect::<Vec<String>>());
    for (n, member) in crowd.iter_mut().enumerate().skip(1) {
        assert!(member.heard() == first, "member {n} heard something else than member 0");
    }
    assert_eq!(describe(&world)["MsgAmount"]["1"], 120);
}

/// As little as a session may take; measured were 3.5 KiB in a debug build.
const A_SESSION: u64 = 12 * 1024;
/// What may come on top for messages that others have not read yet. They are held once for all: measured
/// were 0.5 MiB here and 3 MiB below, where a copy for each would be 50 MiB and more.
const UNREAD: u64 = 16 * 1024 * 1024;

#[test]
fn memory_is_bounded_with_2500_members_of_whom_half_do_not_read() {
    let _alone = alone();
    let folder = Folder::new();
    let off = ["ROOMD_LIMITS_CONTROL_QPS", "ROOMD_LIMITS_SESSION_COMMANDS_PER_SECOND", "ROOMD_LIMITS_CONNECTIONS_PER_ADDRESS"];
    let process = Process::start(&folder.join("data"), &off.map(|name| (name, "false")));
    let app = process.api().app("");
    process.api().group(&app, "g1");
    let logins: Vec<String> = (0..MEMBERS).map(|n| app.login(&format!("u{n}"), wall().seconds() + 600, "")).collect();
    let empty = process.resident();
    let full = empty + MEMBERS as u64 * A_SESSION;
    let at_most = |what: &str, bytes: u64| {
        let now = process.resident();
        assert!(now <= bytes, "{what}: {} KiB are resident, {} when it was empty, and {} are allowed", now >> 10, empty >> 10, bytes >> 10);
    };

    let mut crowd = Listener::crowd(process.sessions, "g1", &logins);
    at_most("with all members", full);
    let before: Vec<usize> = crowd.iter_mut().map(|member| member.heard().len()).collect();
    assert!(before.iter().all(|counts| *counts <= 2), "counts only: {before:?}");

    // 200 messages of 1 KiB, while every second member does not read.
    let kib = "x".repeat(1024);
    let mut spoken = Vec::new();
    for round in 0..10 {
        crowd[0].tell_all("g1", (0..20).map(|n| json!(format!("{round} {n} {kib}"))));
        let first = said(&mut crowd[0]);
        assert_eq!(first.len(), 20);
        for member in crowd[1..].iter_mut().skip(1).step_by(2) {
            assert!(said(member) == first, "who reads has it already");
        }
        spoken.extend(first);
    }
    at_most("while half of them do not read", full + UNREAD);
    for member in crowd.iter_mut().skip(1).step_by(2) {
        assert!(said(member) == spoken, "nothing was lost for those who read later");
    }
    at_most("after they read on", full + UNREAD);

    // Of 100 who stay, every second does not read at all, and more is said than both ends of a socket
    // and the connection's own budget hold.
    leave_all(&mut crowd[100..]);
    let long = "x".repeat(15_000);
    for _ in 0..50 {
        crowd[0].tell_all("g1", (0..10).map(|n| json!(format!("{n} {long}"))));
        for member in crowd[..100].iter_mut().step_by(2) {
            assert_eq!(said(member).len(), 10);
        }
    }
    at_most("while 50 do not read at all", full + UNREAD);
    for member in crowd[..100].iter_mut().skip(1).step_by(2) {
        // The server does not wait for long until a full socket takes its close.
        let why = member.end();
        assert!(matches!(why, None | Some((3008, _))), "{why:?}");
    }

    // All go, and as many come again: nothing stays behind of the first.
    drop(crowd);
    at_most("after all have gone", full + UNREAD);
    let mut again = Listener::crowd(process.sessions, "g1", &logins);
    assert_eq!(again[1].hello["data"]["resumed"], true, "who was too slow resumes");
    at_most("with all members again", full + UNREAD);
    assert_eq!(again[2].ok("presence_stats", json!({"channel": "group:g1"}))["num_users"], MEMBERS);
}

/// What was said in the group, all of it long; counts between it are passed over.
fn said(member: &mut Listener) -> Vec<String> {
    let mut lines = member.heard();
    lines.retain(|line| line.len() > 1_000 || !line.contains("\"group.count\""));
    lines
}
