//! Does the same to a real server and to the model of channels, and compares after each step: what every
//! subscription was told, every answer, and what can be asked. While the receiver is down, and until it has
//! caught up, what a subscription was told may lack the end.

use super::{
    channel::{CHANNELS, Channel, Channels, Event, LINGER, Link, No, Now, Report, STREAMER, USERS},
    channel_words::{code, count, line, lower, name, outcome, pushed, refusal, said},
    check::{Differs, same},
    driver::answered,
    group::User,
};
use crate::harness::{Client, React, Told, Watch, World, check_story, operator, rtc};
use serde_json::{Value, json};
use std::collections::{BTreeSet, HashMap, VecDeque};

/// One thing that a client, the operator or the machine does.
#[derive(Clone, Debug)]
pub enum Op {
    /// Logs in before, if need be; so do the next three.
    Subscribe(User, Channel, u8),
    Unsubscribe(User, Channel),
    Publish(User, Channel, Vec<usize>),
    Unpublish(User, Channel, Vec<usize>),
    Role(User, Channel, u8),
    /// The socket ends without a word.
    Vanish(User),
    /// It closes normally.
    Goodbye(User),
    /// The same device connects again.
    Return(User),
    TakeOver(User),
    LogOff(User),
    /// By the operator's door, in one request.
    Report(Channel, Vec<Report>),
    /// Of everybody whom the operator reported.
    HeartbeatAll(Channel),
    ForceOff(User),
    Delete(Channel),
    Wait(u64),
    Restart,
    /// The process is lost.
    Crash,
    /// The receiver answers 503, and well again.
    Down,
    Up,
}

impl Op {
    /// Much can happen in it at once, and what happens to different users has no order.
    fn is_free(&self) -> bool {
        matches!(self, Op::Wait(_) | Op::Delete(_) | Op::Up)
    }
}

/// The longest wait between two tries.
const LAST_RUNG: u64 = 300_000;
/// The receiver is up again before a delivery is given up.
const OUTAGE: u64 = 400_000;

/// A subscription, and what it is still to be told of each channel, with the step in which that happened.
struct Subscription {
    watch: Watch,
    wants: fn(&Event) -> bool,
    due: [VecDeque<(u64, Event)>; CHANNELS],
}

pub struct Driver<'a> {
    world: &'a mut World,
    model: Channels,
    clients: [Option<Client>; USERS],
    subscriptions: Vec<Subscription>,
    /// SessionIds by their numbers in the model.
    sessions: HashMap<u32, String>,
    /// Wall time of the model's 0.
    began: i64,
    steps: u64,
    down_since: Option<u64>,
    /// By then the receiver was told what it missed.
    caught_up: u64,
}

impl<'a> Driver<'a> {
    pub fn new(world: &'a mut World) -> Result<Driver<'a>, Differs> {
        // Messaging events are another subject.
        world.app = world.api().app("");
        world.receiver.knows(&world.app);
        let mut subscriptions = Vec::new();
        let mut subscribe = |name: &str, params: &[(&str, &str)], wants: fn(&Event) -> bool| {
            subscriptions.push(Subscription { watch: world.watch(name, params), wants, due: Default::default() });
        };
        subscribe("all", &[], |_| true);
        subscribe("c0", &[("ChannelId", "c0")], |e| e.channel == 0);
        let users = [("ChannelId", "c0"), ("Users.1", "u0"), ("Users.2", "u1"), ("Events", "UserEvent")];
        subscribe("some", &users, |e| e.channel == 0 && e.user.is_some_and(|(user, _)| user < 2));
        subscribe("c1", &[("ChannelId", "c1"), ("Events", "ChannelEvent")], |e| e.channel == 1 && e.user.is_none());
        let began = world.server.clock.now().0;
        let (model, clients, sessions) = Default::default();
        Ok(Driver { world, model, clients, subscriptions, sessions, began, steps: 0, down_since: None, caught_up: 0 })
    }

    pub fn step(&mut self, op: &Op) -> Result<(), Differs> {
        self.steps += 1;
        self.apply(op)?;
        self.compare_told(op.is_free())?;
        self.compare_pushed(op.is_free())?;
        self.compare_views()
    }

    /// Everybody leaves, and every channel is closed.
    pub fn finish(&mut self) -> Result<(), Differs> {
        self.step(&Op::Up)?;
        for user in 0..USERS {
            self.step(&Op::Vanish(user))?;
        }
        self.step(&Op::Wait(90_000))?;
        same("who is still in", self.model.inside.iter().flatten().count(), 0)?;
        self.step(&Op::Wait(LAST_RUNG + 1))?;
        self.world.server.settle();
        self.compare_told(false)?;
        let all = self.world.receiver.until_told("all", "all", |_| true);
        same("what is still open", check_story(&all), BTreeSet::new())
    }

    fn apply(&mut self, op: &Op) -> Result<(), Differs> {
        match op {
            Op::Subscribe(user, channel, role) => self.subscribe(*user, *channel, *role),
            Op::Unsubscribe(user, channel) => {
                self.connected(*user)?.exit(&name(*channel));
                self.model.unsubscribe(*channel, *user);
                Ok(())
            }
            Op::Publish(user, channel, medias) => self.rpc(*user, *channel, "rtc.publish", lower(medias), |model| model.publish(*channel, *user, medias)),
            Op::Unpublish(user, channel, medias) => self.rpc(*user, *channel, "rtc.unpublish", lower(medias), |model| model.unpublish(*channel, *user, medias)),
            Op::Role(user, channel, role) => self.rpc(*user, *channel, "rtc.role", json!(role), |model| model.set_role(*channel, *user, *role)),
            Op::Vanish(user) => self.lose(*user, false),
            Op::Goodbye(user) => self.lose(*user, true),
            Op::Return(user) => self.connect(*user, self.device(*user)),
            Op::TakeOver(user) => self.connect(*user, 1 - self.device(*user)),
            Op::LogOff(user) => {
                self.connected(*user)?.ok("rpc", json!({"method": "session.logoff"}));
                self.clients[*user] = None;
                self.model.log_off(*user);
                Ok(())
            }
            Op::Report(channel, reports) => self.report(*channel, reports),
            Op::HeartbeatAll(channel) => self.heartbeat_all(*channel),
            Op::ForceOff(user) => self.force_off(*user),
            Op::Delete(channel) => {
                let answer = self.world.api().call("DeleteChannel", &[("AppId", &self.world.app.id), ("ChannelId", &name(*channel))]).v3();
                let gone = self.model.delete(*channel).map_err(|_| (404, "ResourceNotExist".into()));
                same("DeleteChannel", outcome(&answer.error()), gone)
            }
            Op::Wait(ms) => {
                if self.down_since.is_some_and(|since| self.model.now + ms > since + OUTAGE) {
                    self.up();
                }
                self.world.advance(*ms);
                self.model.wait(*ms);
                Ok(())
            }
            Op::Restart => self.restart(false),
            Op::Crash => self.restart(true),
            Op::Down if self.down_since.is_none() && self.is_caught_up() => {
                self.world.receiver.always(React::Status(503));
                self.down_since = Some(self.model.now);
                Ok(())
            }
            Op::Down => Ok(()),
            Op::Up => {
                self.up();
                Ok(())
            }
        }
    }

    // --- clients ---

    /// The user's present device, or its first one.
    fn device(&self, user: User) -> u8 {
        match self.model.links[user] {
            Link::On { device, .. } | Link::Lost { device, .. } => device,
            Link::Off => 0,
        }
    }

    fn connect(&mut self, user: User, device: u8) -> Result<(), Differs> {
        let resumes = self.model.connect(user, device);
        let client = self.world.on_device(&format!("u{user}"), &format!("d{device}"));
        same(format!("u{user} resumes"), client.resumed(), resumes)?;
        let kept: BTreeSet<&str> = client.hello["data"]["channels"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let expected: Vec<String> = self.model.kept(user).into_iter().map(name).collect();
        same(format!("channels that u{user} has"), kept, expected.iter().map(String::as_str).collect())?;
        if let Some(mut old) = self.clients[user].replace(client) {
            same(format!("the earlier socket of u{user}"), old.closed().0, 4501)?;
        }
        Ok(())
    }

    fn connected(&mut self, user: User) -> Result<&mut Client, Differs> {
        if self.clients[user].is_none() {
            self.connect(user, self.device(user))?;
        }
        Ok(self.clients[user].as_mut().expect("just connected"))
    }

    fn lose(&mut self, user: User, normally: bool) -> Result<(), Differs> {
        let Some(client) = self.clients[user].take() else { return Ok(()) };
        if normally {
            client.close(1000)
        } else {
            client.vanish()
        }
        self.world.server.settle();
        self.model.lose(user, normally);
        Ok(())
    }

    fn subscribe(&mut self, user: User, channel: Channel, role: u8) -> Result<(), Differs> {
        let token = self.world.channel_token(&format!("u{user}"), &name(channel));
        let ask = json!({"channel": format!("rtc:{}", name(channel)), "token": token, "data": {"role": role}, "join_leave": true});
        let reply = self.connected(user)?.ask("subscribe", ask);
        let got = answered(&reply, "subscribe").map(|got| got["data"].clone());
        match (got, self.model.subscribe(channel, user, role)) {
            (Ok(got), Ok((now, again))) => {
                self.compare_now(&got, &now)?;
                let rest = (&got["channel_id"], &got["rejoined"], &got["users"]);
                same("a subscribe's answer", rest, (&json!(name(channel)), &json!(again), &json!(self.model.inside[channel].len())))
            }
            (got, model) => same("subscribe", got.map(drop), model.map(drop).map_err(code)),
        }
    }

    fn rpc(&mut self, user: User, channel: Channel, method: &str, more: Value, model: impl FnOnce(&mut Channels) -> Result<Now, No>) -> Result<(), Differs> {
        let reply = self.connected(user)?.ask("rpc", rtc(method, &name(channel), more));
        // Whom only the operator reported is not in it by its session.
        let there = self.model.kept(user).contains(&channel);
        let now = if there { model(&mut self.model) } else { Err(No::NotInside) };
        match (answered(&reply, "rpc"), now) {
            (Ok(got), Ok(now)) => self.compare_now(&got["data"], &now),
            (got, model) => same(method, got.map(drop), model.map(drop).map_err(code)),
        }
    }

    /// What somebody is told that a participant is now.
    fn compare_now(&mut self, got: &Value, now: &Now) -> Result<(), Differs> {
        let session = got["session_id"].as_str().unwrap_or_default();
        self.compare_session(session, now.session)?;
        same("role and medias", (&got["role"], &got["medias"]), (&json!(now.role), &lower(&now.medias)))
    }

    /// Each of the model's sessions has a SessionId of its own.
    fn compare_session(&mut self, got: &str, number: u32) -> Result<(), Differs> {
        if !self.sessions.contains_key(&number) {
            let known = self.sessions.values().any(|id| id == got) || self.clients.iter().flatten().any(|c| c.sid() == got);
            same(format!("SessionId {got:?} is new"), !known && !got.is_empty(), true)?;
            self.sessions.insert(number, got.to_owned());
        }
        same("SessionId", got, &*self.sessions[&number])
    }

    // --- the operator ---

    fn report(&mut self, channel: Channel, reports: &[Report]) -> Result<(), Differs> {
        // Whether a relay that finds its user there is one is not documented.
        let inside = |r: &Report| matches!(r, Report::Join(user, _, true) if self.model.find(channel, *user).is_some());
        let reports: Vec<Report> = reports.iter().filter(|r| !inside(r)).cloned().collect();
        if reports.is_empty() {
            return Ok(());
        }
        let events: Vec<Value> = reports.iter().map(said).collect();
        let body = if events.len() == 1 { events[0].clone() } else { json!({"events": events}) };
        let answer = self.world.report(&name(channel), body);
        let done = match (answer.status, self.model.report(channel, &reports)) {
            (200, Ok(done)) => done,
            (status, model) => {
                let got = (status, answer.body["error"]["code"].as_str().unwrap_or("").to_owned());
                return same("report", outcome(&(got.0, &got.1)), model.map(drop).map_err(refusal));
            }
        };
        same("entries of the answer", answer.body["events"].as_array().map(Vec::len), Some(done.len()))?;
        for ((got, event), now) in answer.body["events"].as_array().into_iter().flatten().zip(&events).zip(&done) {
            same("event and user", (&got["event"], &got["user"]), (&event["event"], &event["user"]))?;
            self.compare_now(got, now)?;
        }
        Ok(())
    }

    fn heartbeat_all(&mut self, channel: Channel) -> Result<(), Differs> {
        let reported: Vec<Report> = self.model.inside[channel].iter().filter(|p| p.reported.is_some()).map(|p| Report::Heartbeat(p.user)).collect();
        // Of a channel that is not there it is not documented.
        if self.model.inside[channel].is_empty() {
            return Ok(());
        }
        let answer = self.world.report(&name(channel), json!({"event": "heartbeat"}));
        same("a heartbeat of all", (answer.status, &answer.body["events"]), (200, &json!([{"event": "heartbeat"}])))?;
        self.model.report(channel, &reported).map(drop).map_err(|no| format!("{no:?}"))
    }

    fn force_off(&mut self, user: User) -> Result<(), Differs> {
        let (server, app) = (&self.world.server, &self.world.app);
        let answer = operator(server.running().control, server.folder.path(), "DELETE", &format!("apps/{}/sessions/u{user}", app.id), "");
        same("forced off", answer.status, 200)?;
        self.model.force_off(user);
        self.clients[user].take().map_or(Ok(()), |mut client| same("the socket of who is forced off", client.closed().0, 4502))
    }

    // --- the machine ---

    fn restart(&mut self, crash: bool) -> Result<(), Differs> {
        if crash {
            self.world.server.crash();
        } else {
            self.world.server.restart();
        }
        self.model.restart();
        if !self.is_caught_up() {
            // The wait of each rung begins anew.
            self.caught_up = self.model.now + LAST_RUNG;
        }
        for mut client in self.clients.iter_mut().filter_map(Option::take) {
            same("a restart closes", client.closed().0, 3001)?;
        }
        Ok(())
    }

    fn up(&mut self) {
        if self.down_since.take().is_some() {
            self.world.receiver.always(React::Status(200));
            self.caught_up = self.model.now + LAST_RUNG;
        }
    }

    fn is_caught_up(&self) -> bool {
        self.down_since.is_none() && (self.caught_up == 0 || self.model.now > self.caught_up)
    }

    // --- comparing ---

    fn compare_told(&mut self, free: bool) -> Result<(), Differs> {
        let done = self.is_caught_up();
        let events = std::mem::take(&mut self.model.events);
        let mut order = self.steps << 16;
        for event in events {
            order += u64::from(!free);
            let wanting = self.subscriptions.iter_mut().filter(|s| (s.wants)(&event));
            wanting.for_each(|s| s.due[event.channel].push_back((order, event.clone())));
        }
        for n in 0..self.subscriptions.len() {
            let Subscription { watch, due, .. } = &self.subscriptions[n];
            let told = self.world.arrived(watch, if done { due.iter().map(VecDeque::len).sum() } else { 0 });
            told.iter().try_for_each(|told| self.take(n, told))?;
            let Subscription { watch, due, .. } = &self.subscriptions[n];
            if done && due.iter().any(|due| !due.is_empty()) {
                let missing: Vec<String> = due.iter().flatten().map(|(_, e)| line(e)).collect();
                return Err(format!("{} was not told {missing:?}", watch.name));
            }
        }
        Ok(())
    }

    /// The event is the next of its channel, or happened in the same free step as the next.
    fn take(&mut self, n: usize, told: &Told) -> Result<(), Differs> {
        let Subscription { watch, due, .. } = &mut self.subscriptions[n];
        let to = format!("{} was told {:?} of {}", watch.name, told.line(), told.session);
        let due = (0..CHANNELS).find(|c| name(*c) == told.channel).map(|c| &mut due[c]).ok_or_else(|| format!("{to}, a foreign channel"))?;
        let first = due.front().ok_or_else(|| format!("{to}, and nothing had happened"))?.0;
        let user = |e: &Event| e.user.map(|(user, _)| format!("u{user}")).unwrap_or_default();
        // Nobody goes before the channel itself, nor it before anybody.
        let here = due.iter().take_while(|(order, _)| *order == first).position(|(_, e)| e.user.is_none() || user(e) == told.user).unwrap_or(0);
        let here = if user(&due[here].1) == told.user && !(told.user.is_empty() && here > 0) { here } else { 0 };
        let (_, event) = due.remove(here).expect("just found");
        let at = (self.began + event.at as i64) / 1000;
        same(&to, (told.line(), told.time), (line(&event), at))?;
        event.user.map_or(Ok(()), |(_, session)| self.compare_session(&told.session, session))
    }

    /// Everybody heard exactly what the model says, of each channel in that order; what happened to different
    /// users in a free step has none.
    fn compare_pushed(&mut self, free: bool) -> Result<(), Differs> {
        for user in 0..USERS {
            let mut expected = std::mem::take(&mut self.model.heard[user]);
            let Some(client) = &mut self.clients[user] else { continue };
            let mut heard: Vec<String> = client.heard().iter().map(pushed).collect();
            for lines in [&mut heard, &mut expected] {
                lines.sort_by(|a, b| if free { a.cmp(b) } else { a[..2].cmp(&b[..2]) });
            }
            same(format!("what u{user} heard"), heard, expected)?;
        }
        Ok(())
    }

    fn compare_views(&mut self) -> Result<(), Differs> {
        for channel in 0..CHANNELS {
            let inside = self.model.inside[channel].clone();
            let of = |wanted: &dyn Fn(u8) -> bool| json!(inside.iter().filter(|p| wanted(p.role)).map(|p| format!("u{}", p.user)).collect::<Vec<_>>());
            let ask = [("AppId", &*self.world.app.id), ("ChannelId", &*name(channel))];
            let body = self.world.api().ok("DescribeChannelUsers", &ask);
            let (streamers, viewers) = (of(&|role| role == STREAMER), of(&|role| role != STREAMER));
            let (got, model) = ((&body["InteractiveUserList"], &body["LiveUserList"]), (&streamers, &viewers));
            same("DescribeChannelUsers", got, model)?;
            same("its numbers", (&body["InteractiveUserNumber"], &body["LiveUserNumber"]), (&count(&streamers), &count(&viewers)))?;
            match self.model.closed[channel] {
                _ if !inside.is_empty() => same("an open channel exists", &body["IsChannelExists"], &json!(true))?,
                Some(at) if self.model.now - at != LINGER => same("a closed channel exists", &body["IsChannelExists"], &json!(self.model.now - at < LINGER))?,
                _ => {}
            }
            // Says the same in another way, so now and then will do.
            if self.steps.is_multiple_of(4) {
                let list = self.world.api().ok("DescribeChannelParticipants", &[&ask[..], &[("Order", "asc"), ("PageSize", "100")]].concat());
                let all = of(&|_| true);
                same("DescribeChannelParticipants", (&list["UserList"], &list["TotalNum"]), (&all, &count(&all)))?;
            }
            self.compare_presence(channel)?;
        }
        Ok(())
    }

    /// As one who is in it sees it.
    fn compare_presence(&mut self, channel: Channel) -> Result<(), Differs> {
        let Some(&(_, user)) = self.model.attached.iter().find(|(c, _)| *c == channel) else { return Ok(()) };
        let ask = json!({"channel": format!("rtc:{}", name(channel))});
        let asking = self.clients[user].as_mut().expect("who is attached has a client");
        let (presence, stats) = (asking.ok("presence", ask.clone())["presence"].clone(), asking.ok("presence_stats", ask));
        let inside = self.model.inside[channel].clone();
        same("presence_stats", (&stats["num_clients"], &stats["num_users"]), (&json!(inside.len()), &json!(inside.len())))?;
        same("presence", presence.as_object().map(|p| p.len()), Some(inside.len()))?;
        for p in inside {
            let user = format!("u{}", p.user);
            let (key, entry) =
                presence.as_object().into_iter().flatten().find(|(_, e)| e["user"] == user).ok_or_else(|| format!("{user} is not in {presence}"))?;
            same("client of presence", &entry["client"], &json!(key))?;
            let now = self.model.now_of(channel, p.user).expect("it is inside");
            self.compare_now(&entry["chan_info"], &now)?;
            if p.reported.is_some() {
                same("client of who was reported", key, &self.sessions[&now.session])?;
            } else if let Some(client) = &self.clients[p.user] {
                same("client of who has a session", &**key, client.sid())?;
            }
        }
        Ok(())
    }
}
