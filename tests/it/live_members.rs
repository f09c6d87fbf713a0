//! Who may come into a live room, speak in it and rule over it (`tencent.md` §4). What ends by itself ends on time, also
//! across a restart.

use crate::{
    harness::{Client, Tencent, World},
    live_rooms::{info, put_out, refused, update},
};
use serde_json::{Value, json};
use std::collections::BTreeSet;

const SECOND: u64 = 1_000;

/// The code with which the socket refuses a message.
fn silenced(client: &mut Client, room: &str) -> u64 {
    client.code("publish", json!({"channel": format!("group:{room}"), "data": "psst"}))
}

/// Users of a list with the second until which they are in it.
fn until(api: &Tencent, command: &str, list: &str, field: &str) -> Vec<(String, i64)> {
    let answer = api.live(command, json!({"RoomId": "r1"}));
    let items = answer[list].as_array().unwrap_or_else(|| panic!("{answer}"));
    items.iter().map(|item| (item["Member_Account"].as_str().expect("a user").to_owned(), item[field].as_i64().expect("seconds"))).collect()
}

pub fn muted(api: &Tencent) -> Vec<(String, i64)> {
    until(api, "get_muted_member_list", "MutedAccountList", "MutedUntil")
}

pub fn banned(api: &Tencent) -> Vec<(String, i64)> {
    until(api, "get_banned_member_list", "BannedAccountList", "BannedUntil")
}

pub fn mute(api: &Tencent, user: &str, seconds: i64) {
    api.live("mute_member", json!({"RoomId": "r1", "MemberList_Account": [user], "MuteTime": seconds}));
}

pub fn ban(api: &Tencent, users: &[&str], seconds: i64) {
    api.live("ban_member", json!({"RoomId": "r1", "MemberList_Account": users, "Duration": seconds, "Reason": "spam"}));
}

fn kick(api: &Tencent, users: &[&str]) {
    api.ok("room_engine_http_srv/kick_user_out", json!({"RoomId": "r1", "MemberList_Account": users}));
}

#[test]
fn a_mute_ends_by_itself_to_the_second_also_across_a_restart() {
    let mut world = World::new();
    let api = world.tencent();
    api.room("r1");
    let (mut u1, mut u2) = (world.member("u1", "r1"), world.member("u2", "r1"));
    let now = world.seconds();
    mute(&api, "u1", 10);
    mute(&api, "u2", 100);
    assert_eq!(muted(&api), [("u1".into(), now + 10), ("u2".into(), now + 100)]);
    assert_eq!((silenced(&mut u1, "r1"), silenced(&mut u2, "r1")), (442, 442));
    assert_eq!(api.live_fails("send_text_msg", json!({"RoomId": "r1", "Sender_Account": "u1", "TextContent": "psst"})), 10017);
    let banned = world.api().ok("DescribeLiveMessageGroupBand", &[("AppId", &world.app.id), ("GroupId", "r1")]);
    assert!(banned.to_string().contains("u1"), "the other cloud sees it: {banned}");
    world.advance(10 * SECOND - 1);
    assert_eq!(silenced(&mut u1, "r1"), 442);
    world.advance(1);
    u1.tell("r1", "at last");
    assert_eq!(muted(&api), [("u2".into(), now + 100)]);
    let rows = |world: &World| world.sql().query_row("SELECT mutes FROM grp WHERE id = 'r1'", [], |row| row.get::<_, String>(0));
    if let Ok(row) = rows(&world) {
        assert!(!row.contains("u1"), "it is forgotten: {row}");
    }
    world.server.restart();
    let api = world.tencent();
    let mut u2 = world.member("u2", "r1");
    assert_eq!(silenced(&mut u2, "r1"), 442);
    assert_eq!(muted(&api), [("u2".into(), now + 100)]);
    world.advance(90 * SECOND);
    u2.tell("r1", "at last");
    assert_eq!(muted(&api), []);
}

#[test]
fn a_mute_that_ends_while_the_server_is_down_is_over_when_it_is_back() {
    let mut world = World::new();
    let api = world.tencent();
    api.room("r1");
    mute(&api, "u1", 10);
    ban(&api, &["u1"], 10);
    world.server.stop();
    world.server.clock.advance(11 * SECOND).unwrap();
    world.server.restart();
    let api = world.tencent();
    assert_eq!((muted(&api), banned(&api)), (vec![], vec![]));
    let mut u1 = world.member("u1", "r1");
    u1.tell("r1", "nobody minds");
}

#[test]
fn a_later_mute_replaces_an_earlier_one_and_none_ends_it() {
    let world = World::new();
    let api = world.tencent();
    api.room("r1");
    let mut u1 = world.member("u1", "r1");
    let now = world.seconds();
    mute(&api, "u1", 100);
    mute(&api, "u1", 10);
    assert_eq!(muted(&api), [("u1".into(), now + 10)]);
    mute(&api, "u1", 4_294_967_295);
    assert_eq!(muted(&api), [("u1".into(), 4_294_967_295)], "for ever");
    world.advance(3_600 * SECOND);
    assert_eq!(muted(&api).len(), 1);
    mute(&api, "u1", 0);
    assert_eq!(muted(&api), []);
    mute(&api, "u1", 0);
    // Who is not there is muted all the same, and is when it comes.
    mute(&api, "u2", 10);
    let mut u2 = world.member("u2", "r1");
    assert_eq!(silenced(&mut u2, "r1"), 442);
    u2.leave("r1");
    u2.join("r1");
    assert_eq!(silenced(&mut u2, "r1"), 442, "leaving and coming back is no way out");
    drop(u1.heard());
}

#[test]
fn a_muted_room_still_hears_its_owner_and_administrators() {
    let world = World::new();
    world.users(&["owner"]);
    let api = world.tencent();
    api.live("create_room", json!({"RoomInfo": {"RoomId": "r1", "RoomType": "Live", "Owner_Account": "owner", "IsMessageDisabled": true}}));
    api.live("modify_admin", json!({"RoomId": "r1", "Admin_Account": ["admin"], "OpType": "add"}));
    let [mut owner, mut admin, mut u1] = ["owner", "admin", "u1"].map(|user| world.member(user, "r1"));
    owner.tell("r1", "order");
    admin.tell("r1", "please");
    assert_eq!(silenced(&mut u1, "r1"), 442);
    mute(&api, "owner", 60);
    owner.tell("r1", "nobody mutes me");
    api.live("modify_admin", json!({"RoomId": "r1", "Admin_Account": ["admin"], "OpType": "delete"}));
    assert_eq!(silenced(&mut admin, "r1"), 442, "one no more");
    update(&api, "r1", json!({"IsMessageDisabled": false}));
    u1.tell("r1", "free");
    admin.tell("r1", "free");
}

#[test]
fn a_ban_puts_out_and_keeps_out_until_it_ends_by_itself_also_across_a_restart() {
    let mut world = World::new();
    let api = world.tencent();
    api.room("r1");
    let (mut u1, mut u2) = (world.member("u1", "r1"), world.member("u2", "r1"));
    let now = world.seconds();
    ban(&api, &["u1", "never here"], 30);
    assert_eq!(banned(&api), [("never here".into(), now + 30), ("u1".into(), now + 30)]);
    put_out(&mut u1);
    assert_eq!(refused(&mut u1, "r1"), 403);
    u2.tell("r1", "quiet now");
    assert_eq!(u1.heard(), Vec::<Value>::new(), "nothing is heard any more");
    assert_eq!(silenced(&mut u1, "r1"), 425, "nor said");
    world.server.restart();
    let api = world.tencent();
    let mut u1 = world.on("u1");
    assert_eq!(refused(&mut u1, "r1"), 403);
    world.advance(30 * SECOND - 1);
    assert_eq!(refused(&mut u1, "r1"), 403);
    world.advance(1);
    u1.join("r1");
    assert_eq!(banned(&api), []);
    // For ever, and lifted.
    ban(&api, &["u1"], 4_294_967_295);
    world.advance(3_600 * SECOND);
    let mut u1 = world.on("u1");
    assert_eq!((refused(&mut u1, "r1"), banned(&api)), (403, vec![("u1".into(), 4_294_967_295)]));
    for _ in 0..2 {
        api.live("unban_member", json!({"RoomId": "r1", "MemberList_Account": ["u1", "nobody"]}));
    }
    u1.join("r1");
}

#[test]
fn of_a_ban_of_several_nothing_happens_when_one_of_them_is_the_owner() {
    let world = World::new();
    world.users(&["owner"]);
    let api = world.tencent();
    api.live("create_room", json!({"RoomInfo": {"RoomId": "r1", "RoomType": "Live", "Owner_Account": "owner"}}));
    let mut u1 = world.member("u1", "r1");
    assert_eq!(api.live_fails("ban_member", json!({"RoomId": "r1", "MemberList_Account": ["u1", "owner"], "Duration": 60})), 100006);
    assert_eq!(banned(&api), []);
    u1.tell("r1", "still here");
}

#[test]
fn bans_are_listed_by_the_page() {
    let world = World::new();
    let api = world.tencent();
    api.room("r1");
    let users: Vec<String> = (0..45).map(|n| format!("u{n:02}")).collect();
    for users in users.chunks(20) {
        ban(&api, &users.iter().map(String::as_str).collect::<Vec<_>>(), 60);
    }
    for (offset, limit, from, n, next) in
        [(0, 20, 0, 20, 20), (20, 20, 20, 20, 40), (40, 20, 40, 5, 0), (45, 20, 0, 0, 0), (1_000, 1, 0, 0, 0), (44, 1, 44, 1, 0)]
    {
        let page = api.live("get_banned_member_list", json!({"RoomId": "r1", "Offset": offset, "Limit": limit}));
        let got: Vec<&str> = page["BannedAccountList"].as_array().unwrap().iter().map(|b| b["Member_Account"].as_str().unwrap()).collect();
        assert_eq!((got, &page["NextOffset"]), (users[from..from + n].iter().map(String::as_str).collect(), &json!(next)), "{offset} {limit}");
    }
}

#[test]
fn a_full_room_takes_nobody_until_somebody_leaves_or_it_may_have_more() {
    let world = World::new();
    world.users(&["owner"]);
    let api = world.tencent();
    let room = json!({"RoomId": "r1", "RoomType": "Live", "MaxMemberCount": 2, "Owner_Account": "owner"});
    api.live("create_room", json!({"RoomInfo": room}));
    let [mut u1, u2] = ["u1", "u2"].map(|user| world.member(user, "r1"));
    let mut u3 = world.on("u3");
    assert_eq!(refused(&mut u3, "r1"), 443);
    // Who is in comes back into it.
    u2.vanish();
    let mut u2 = world.on("u2");
    u2.join("r1");
    let mut owner = world.member("owner", "r1");
    assert_eq!(info(&api, "r1")["ViewCount"], 3, "its owner is never locked out");
    owner.leave("r1");
    assert_eq!(refused(&mut u3, "r1"), 443);
    u1.leave("r1");
    u3.join("r1");
    assert_eq!(refused(&mut u1, "r1"), 443);
    kick(&api, &["u3"]);
    u1.join("r1");
    update(&api, "r1", json!({"MaxMemberCount": 3}));
    u3.join("r1");
    // Nobody is put out by a smaller number.
    update(&api, "r1", json!({"MaxMemberCount": 1}));
    u1.tell("r1", "still here");
    let mut u4 = world.on("u4");
    assert_eq!(refused(&mut u4, "r1"), 443);
    update(&api, "r1", json!({"MaxMemberCount": 0}));
    u4.join("r1");
}

#[test]
fn a_room_is_handed_over_to_who_is_in_it() {
    let mut world = World::new();
    world.users(&["a"]);
    let api = world.tencent();
    api.live("create_room", json!({"RoomInfo": {"RoomId": "r1", "RoomType": "Live", "Owner_Account": "a"}}));
    let give = |api: &Tencent, to: &str| api.post("live_engine_http_srv/change_room_owner", &json!({"RoomId": "r1", "NewOwner_Account": to})).code();
    let (_a, mut b) = (world.member("a", "r1"), world.member("b", "r1"));
    let mut out = world.on("out");
    ban(&api, &["out"], 60);
    assert_eq!((give(&api, "out"), give(&api, "nobody")), (100016, 100005));
    assert_eq!(refused(&mut out, "r1"), 403);
    api.live("modify_admin", json!({"RoomId": "r1", "Admin_Account": ["b", "c"], "OpType": "add"}));
    assert_eq!(give(&api, "b"), 0);
    assert_eq!(give(&api, "b"), 0, "it is so already");
    assert_eq!(info(&api, "r1")["Owner_Account"], "b");
    assert_eq!(api.live("get_admin_list", json!({"RoomId": "r1"}))["Admin_Account"], json!(["c"]), "an owner is no administrator besides");
    let group = world.api().ok("DescribeLiveMessageGroup", &[("AppId", &world.app.id), ("GroupId", "r1")]);
    assert_eq!(group["CreatorId"], "b", "the other cloud sees it");
    // It may do what an owner may, and the one before no more.
    update(&api, "r1", json!({"IsMessageDisabled": true}));
    b.tell("r1", "mine");
    let mut a = world.member("a", "r1");
    assert_eq!(silenced(&mut a, "r1"), 442);
    assert_eq!(api.live_fails("ban_member", json!({"RoomId": "r1", "MemberList_Account": ["b"], "Duration": 60})), 100006);
    ban(&api, &["a"], 60);
    world.server.restart();
    assert_eq!(info(&world.tencent(), "r1")["Owner_Account"], "b");
}

#[test]
fn who_is_put_out_may_come_back() {
    let world = World::new();
    let api = world.tencent();
    api.room("r1");
    let (mut u1, mut u2) = (world.member("u1", "r1"), world.member("u2", "r1"));
    kick(&api, &["u1", "nobody", "u1"]);
    put_out(&mut u1);
    assert_eq!(silenced(&mut u1, "r1"), 425);
    u2.tell("r1", "gone");
    u1.join("r1");
    u1.tell("r1", "back");
    assert_eq!(info(&api, "r1")["ViewCount"], 3);
}

#[test]
fn a_room_has_five_administrators() {
    let world = World::new();
    let api = world.tencent();
    api.room("r1");
    let modify =
        |users: &[&str], what: &str| api.post("live_engine_http_srv/modify_admin", &json!({"RoomId": "r1", "Admin_Account": users, "OpType": what})).code();
    let list = || api.live("get_admin_list", json!({"RoomId": "r1"}))["Admin_Account"].clone();
    assert_eq!(list(), json!([]));
    assert_eq!(modify(&["a", "b", "c"], "add"), 0);
    assert_eq!(modify(&["c", "d", "e"], "add"), 0);
    assert_eq!(modify(&["e", "f"], "add"), 100020);
    assert_eq!(modify(&["e", "a"], "add"), 0, "they are already");
    assert_eq!(list(), json!(["a", "b", "c", "d", "e"]));
    assert_eq!(modify(&["a", "nobody"], "delete"), 0);
    assert_eq!(modify(&["f"], "add"), 0);
    let set: BTreeSet<String> = list().as_array().unwrap().iter().map(|a| a.as_str().unwrap().to_owned()).collect();
    assert_eq!(set, ["b", "c", "d", "e", "f"].map(String::from).into());
}

#[test]
fn a_mute_of_one_cloud_is_one_of_the_other() {
    let world = World::new();
    let (api, other) = (world.tencent(), world.api());
    api.room("r1");
    let mut u1 = world.member("u1", "r1");
    let band = |action: &str, name: &str| drop(other.ok(action, &[("AppId", &world.app.id), ("GroupId", "r1"), (name, "u1")]));
    let now = world.seconds();
    // What has no end over there has none here.
    mute(&api, "u1", 10);
    band("AddLiveMessageGroupBand", "BannedUsers");
    assert_eq!(muted(&api), [("u1".into(), 4_294_967_295)]);
    world.advance(10 * SECOND);
    assert_eq!(silenced(&mut u1, "r1"), 442);
    mute(&api, "u1", 10);
    assert_eq!(muted(&api), [("u1".into(), now + 20)]);
    band("RemoveLiveMessageGroupBand", "UnbannedUsers");
    assert_eq!(muted(&api), []);
    u1.tell("r1", "free");
    mute(&api, "u1", 10);
    other.ok("ModifyLiveMessageGroupBand", &[("AppId", &world.app.id), ("GroupId", "r1"), ("BannnedUsers", "u2")]);
    assert_eq!(muted(&api), [("u2".into(), 4_294_967_295)], "the list that was given replaces the one that was");
    u1.tell("r1", "free again");
}

#[test]
fn many_mutes_and_bans_end_each_at_its_own_time() {
    let mut world = World::new();
    let api = world.tencent();
    api.room("r1");
    let now = world.seconds();
    // The later ones first, and some moved to an earlier or a later end.
    for n in (1..=10).rev() {
        mute(&api, &format!("m{n:02}"), n * 10);
        ban(&api, &[&format!("b{n:02}")], n * 10);
    }
    mute(&api, "m10", 5);
    ban(&api, &["b01"], 95);
    for step in 0..11 {
        let passed = step * 10;
        let left = |end: i64| end > passed;
        let expect = |kind: &str, moved: i64, to: i64| {
            let all = (1..=10).map(|n| (format!("{kind}{n:02}"), if n == moved { to } else { n * 10 }));
            all.filter(|(_, end)| left(*end)).map(|(user, end)| (user, now + end)).collect::<Vec<_>>()
        };
        let api = world.tencent();
        assert_eq!((muted(&api), banned(&api)), (expect("m", 10, 5), expect("b", 1, 95)), "after {passed} s");
        if step % 3 == 1 {
            world.server.restart();
        }
        world.advance(10 * SECOND);
    }
    let (kept, rows) = world.sql().query_row("SELECT muted_until, banned FROM grp", [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    assert_eq!((kept, rows), ("{}".to_owned(), "{}".to_owned()), "what is over is forgotten");
}

#[test]
fn a_room_has_so_many_mutes_and_bans_and_what_is_over_takes_no_place() {
    let world = World::with(|settings| {
        settings.rules.quotas.mutes_per_group = 2;
        settings.rules.quotas.bans_per_group = 2;
    });
    let api = world.tencent();
    api.room("r1");
    let code = |command: &str, users: &[&str], name: &str| {
        api.post(&format!("live_engine_http_srv/{command}"), &json!({"RoomId": "r1", "MemberList_Account": users, name: 10})).code()
    };
    for (command, name) in [("mute_member", "MuteTime"), ("ban_member", "Duration")] {
        assert_eq!(code(command, &["a", "b"], name), 0);
        assert_eq!(code(command, &["c"], name), 100002, "{command}");
        assert_eq!(code(command, &["a"], name), 0, "who is in the list already");
    }
    assert_eq!((muted(&api).len(), banned(&api).len()), (2, 2), "nothing of it");
    world.advance(10 * SECOND);
    for (command, name) in [("mute_member", "MuteTime"), ("ban_member", "Duration")] {
        assert_eq!(code(command, &["c", "d"], name), 0, "{command}");
    }
}
