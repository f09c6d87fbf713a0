//! What a client that comes back is given of what it missed (`session.md` §3): all of it in order, or
//! a clear no.

use crate::harness::{Client, World};
use serde_json::{Value, json};

fn bodies(reply: &Value) -> Vec<String> {
    let list = reply["publications"].as_array().expect("publications");
    list.iter().map(|p| p["data"]["body"].as_str().unwrap().to_owned()).collect()
}

fn tell_many(client: &mut Client, group: &str, what: impl Iterator<Item = Value>) {
    let ids: Vec<u32> = what.map(|data| client.say("publish", json!({"channel": format!("group:{group}"), "data": data}))).collect();
    for id in ids {
        assert!(client.reply(id).get("publish").is_some());
    }
}

/// `u1` was in the groups, is lost, and `u2` says what it missed there. Returns the epoch of each group.
fn missed(world: &World, groups: &[&str], what: impl Fn(usize) -> Value, n: usize) -> Vec<Value> {
    world.groups(groups);
    let mut u1 = world.on("u1");
    let epochs = groups.iter().map(|g| u1.join(g)["epoch"].clone()).collect();
    u1.vanish();
    let mut u2 = world.on("u2");
    for group in groups {
        u2.ok("subscribe", json!({"channel": format!("group:{group}")}));
        tell_many(&mut u2, group, (1..=n).map(&what));
    }
    epochs
}

#[test]
fn everything_missed_comes_in_order_also_across_a_restart() {
    let mut world = World::new();
    let epochs = missed(&world, &["g1", "g2"], |n| json!(format!("m{n}")), 20);
    let expected: Vec<String> = (6..=20).map(|n| format!("m{n}")).collect();
    for _ in 0..2 {
        let mut u1 = world.on("u1");
        assert!(u1.resumed());
        for (group, epoch) in ["g1", "g2"].iter().zip(&epochs) {
            let back = u1.recover(group, 5, epoch);
            assert_eq!((&back["was_recovering"], &back["recovered"], &back["offset"]), (&json!(true), &json!(true), &json!(5)));
            assert_eq!(bodies(&back), expected);
            assert_eq!(back["publications"][0]["offset"], 6);
        }
        world.server.restart();
    }
}

#[test]
fn what_comes_after_the_recovery_follows_without_gap() {
    let world = World::new();
    let epochs = missed(&world, &["g1"], |n| json!(n), 3);
    let mut u2 = world.on("u2");
    u2.join("g1");
    let mut u1 = world.on("u1");
    // The answer and the next messages are under way together.
    let asked = u1.say("subscribe", json!({"channel": "group:g1", "recover": true, "offset": 0, "epoch": epochs[0]}));
    tell_many(&mut u2, "g1", (4..=40).map(|n| json!(n)));
    let back = u1.reply(asked)["subscribe"].take();
    let mut all: Vec<u64> = back["publications"].as_array().unwrap().iter().map(|p| p["offset"].as_u64().unwrap()).collect();
    while all.last() != Some(&40) {
        all.push(u1.push()["pub"]["offset"].as_u64().expect("an offset"));
    }
    assert_eq!(all, (1..=40).collect::<Vec<u64>>());
}

#[test]
fn a_position_that_is_not_of_this_stream_is_not_recovered() {
    let world = World::new();
    let epochs = missed(&world, &["g1"], |n| json!(n), 3);
    let mut u1 = world.on("u1");
    for (offset, epoch) in [(1, json!("other")), (4, epochs[0].clone()), (1 << 40, epochs[0].clone())] {
        let back = u1.recover("g1", offset, &epoch);
        assert_eq!((&back["recovered"], &back["offset"]), (&json!(false), &json!(3)), "{offset} {epoch}");
        assert_eq!(bodies(&back), [""; 0]);
        u1.leave("g1");
    }
}

#[test]
fn more_than_1000_messages_are_not_recovered_but_read_from_history() {
    let world = World::new();
    let epochs = missed(&world, &["g1"], |n| json!(n), 1_001);
    let mut u1 = world.on("u1");
    let back = u1.recover("g1", 0, &epochs[0]);
    assert_eq!((&back["recovered"], &back["was_recovering"], &back["offset"]), (&json!(false), &json!(true), &json!(1001)));
    u1.leave("g1");
    let back = u1.recover("g1", 1, &epochs[0]);
    assert_eq!((&back["recovered"], bodies(&back).len()), (&json!(true), 1_000));
}

#[test]
fn more_than_512_kib_are_not_recovered() {
    let world = World::new();
    let long = "x".repeat(15_000);
    let epochs = missed(&world, &["g1"], |_| json!(long), 40);
    let mut u1 = world.on("u1");
    let back = u1.recover("g1", 0, &epochs[0]);
    assert_eq!((&back["recovered"], &back["offset"], bodies(&back).len()), (&json!(false), &json!(40), 0));
    u1.leave("g1");
    let back = u1.recover("g1", 10, &epochs[0]);
    assert_eq!((&back["recovered"], bodies(&back).len()), (&json!(true), 30));
}

#[test]
fn many_groups_with_much_to_recover_all_come_back() {
    let world = World::new();
    let long = "x".repeat(15_000);
    let groups = ["g1", "g2", "g3", "g4", "g5"];
    let epochs = missed(&world, &groups, |_| json!(long), 30);
    // As the SDKs do: connect and all subscribes in one frame.
    let mut u1 = world.open();
    let mut frame = json!({"id": 1, "connect": {"token": world.login("u1"), "data": {"device": "d"}}}).to_string();
    for (n, (group, epoch)) in groups.iter().zip(&epochs).enumerate() {
        let subscribe = json!({"channel": format!("group:{group}"), "recover": true, "offset": 0, "epoch": epoch});
        frame += &format!("\n{}", json!({"id": n + 2, "subscribe": subscribe}));
    }
    u1.text(&frame);
    assert_eq!(u1.reply(1)["connect"]["data"]["resumed"], true);
    for n in 0..groups.len() as u32 {
        let back = u1.reply(n + 2);
        assert_eq!(bodies(&back["subscribe"]).len(), 30);
    }
}

#[test]
fn recovery_skips_what_is_not_cached() {
    let world = World::new();
    let epochs = missed(&world, &["g1"], |n| json!({"body": n.to_string(), "no_cache": n % 2 == 0}), 6);
    let back = world.on("u1").recover("g1", 0, &epochs[0]);
    assert_eq!((&back["recovered"], bodies(&back)), (&json!(true), vec!["1".into(), "3".into(), "5".into()]));
}

#[test]
fn of_what_is_not_stored_the_last_50_can_be_recovered() {
    let world = World::new();
    let epochs = missed(&world, &["g1"], |n| json!({"body": n.to_string(), "no_storage": true}), 60);
    let mut u1 = world.on("u1");
    let back = u1.recover("g1", 10, &epochs[0]);
    assert_eq!((&back["recovered"], bodies(&back).len()), (&json!(true), 50));
    u1.leave("g1");
    let back = u1.recover("g1", 9, &epochs[0]);
    assert_eq!((&back["recovered"], bodies(&back).len()), (&json!(false), 0), "one is gone, and that is said");
}

#[test]
fn what_is_neither_stored_nor_cached_leaves_no_gap() {
    let world = World::new();
    let epochs = missed(&world, &["g1"], |n| json!({"body": n.to_string(), "no_storage": n != 3, "no_cache": n != 3}), 5);
    let back = world.on("u1").recover("g1", 0, &epochs[0]);
    assert_eq!((&back["recovered"], bodies(&back)), (&json!(true), vec!["3".into()]));
    assert_eq!(back["publications"][0]["offset"], 1);
}
