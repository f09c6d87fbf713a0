//! Hooks: the business is asked before something is done, and nobody else waits for its answer.

use super::*;
use crate::domain::{
    app::{AppChange, ChatSettings, OnSilence, Webhook},
    direct::DirectDraft,
    hook::{Before, HookAnswer, HookCall, HookKind, Rewritten},
    kind::{GroupKind, NewMember},
    message::Sender,
    moderation::{ANSWER_WITHIN, About, Question, Verdict},
    sending::{Dropped, Voice},
};

/// Asks about what the application's webhook lists, in words of its own.
fn hook(before: &Before, by: &Actor, app: &App, _: Millis) -> Option<HookCall> {
    let (word, kind, said) = match before {
        Before::Message { group, from, content } => ("message", HookKind::Message, format!("{from} to {}: {}", group.id, content.body)),
        Before::Direct { from, to, content, .. } => ("direct", HookKind::Direct, format!("{from} to {to}: {}", content.body)),
        Before::Create { group, new, count } => ("create", HookKind::Create, format!("{group} of {:?}, who has {count}", new.owner)),
        Before::Apply { group, user } => ("apply", HookKind::Apply, format!("{user} into {}", group.id)),
        Before::Invite { group, users } => ("invite", HookKind::Invite, format!("{users:?} into {} by {:?}", group.id, by.user)),
    };
    let wants = app.chat_webhook.as_ref()?.words.iter().any(|wanted| wanted == word);
    wants.then(|| HookCall { endpoint: EndpointId::Chat(app.id.clone()), query: String::new(), body: format!("{word} {said}").into_bytes(), kind })
}

/// A group with two members, in an application that wants to be asked about these.
pub(super) fn asking(folder: &Folder, words: &str) -> (Bench, SessionId, SessionId) {
    let mut b = bench(folder);
    b.engine.ports.as_mut().unwrap().hook = hook;
    let (u0, u1) = (b.log_on(0, "u0"), b.log_on(1, "u1"));
    b.join(0, &u0, "g1");
    b.join(1, &u1, "g1");
    let webhook = Some(Webhook { url: "http://h.example.com/".into(), words: words.split_whitespace().map(str::to_owned).collect() });
    b.change(AppChange::ChatWebhook { webhook, token: None });
    (b, u0, u1)
}

pub(super) fn proceed() -> HookAnswer {
    HookAnswer::Proceed { rewritten: Rewritten::default(), without: Vec::new() }
}

fn refuse(code: Option<u32>, info: &str) -> HookAnswer {
    HookAnswer::Refuse { code, info: info.into() }
}

impl Bench {
    /// The questions since the last look, by what they are about; their turn has come.
    pub(super) fn questions(&self) -> Vec<(u64, String)> {
        let asked: Vec<Question> = std::mem::take(&mut *self.questions.lock().unwrap());
        let about = |question: &Question| match &question.about {
            About::Text(text) => format!("text {text}"),
            About::Hook(call) => String::from_utf8(call.body.clone()).unwrap(),
        };
        asked.iter().for_each(|question| question.asked.store(true, Ordering::SeqCst));
        asked.iter().map(|question| (question.id, about(question))).collect()
    }

    /// What follows of a command of a connection.
    pub(super) fn does(&mut self, slot: u32, op: SocketOp) -> Vec<String> {
        let command = self.command(slot, op);
        told(&self.sockets(vec![command]))
    }

    pub(super) fn says(&mut self, slot: u32, sid: &SessionId, body: &str) -> Vec<String> {
        let command = self.publish(slot, sid, "g1", body);
        told(&self.sockets(vec![command]))
    }

    pub(super) fn answered(&mut self, id: u64, verdict: Verdict) -> Vec<String> {
        self.pushes.lock().unwrap().clear();
        self.batch(vec![Command::Verdict(id, verdict)]);
        told(&std::mem::take(&mut *self.pushes.lock().unwrap()))
    }

    pub(super) fn hears(&mut self, id: u64, answer: HookAnswer) -> Vec<String> {
        self.answered(id, Verdict::Hook(answer))
    }

    fn in_time(&mut self, ms: u64) -> Vec<String> {
        self.engine.core.clock.advance(ms).unwrap();
        told(&self.sockets(vec![]))
    }

    /// A request whose answer may come later.
    pub(super) fn begin(&mut self, request: Request) -> mpsc::Receiver<Result<Answer, Refusal>> {
        let (answer, wait) = mpsc::sync_channel(1);
        self.batch(vec![Command::Call(Box::new(request), answer)]);
        wait
    }
}

/// Pushes and answers as words.
pub(super) fn told(pushes: &[Push]) -> Vec<String> {
    let tell = |push: &Push| match push {
        Push::Message { message: m, .. } => Some(format!("{}:{}{}{}", m.seq.unwrap_or(0), m.body, m.elements.as_deref().unwrap_or(""), m.custom)),
        Push::Direct { message, .. } => Some(format!("to {}:{}", message.receiver, message.body)),
        Push::Reply { reply: Reply::Published, .. } => Some("published".into()),
        Push::Reply { reply: Reply::Subscribed(_), .. } => Some("subscribed".into()),
        Push::Reply { reply: Reply::Unsubscribed, .. } => Some("unsubscribed".into()),
        Push::Reply { reply: Reply::Rpc(answer), .. } => Some(match **answer {
            Answer::Sent(_) => "sent".into(),
            Answer::Created { .. } => "created".into(),
            _ => "done".into(),
        }),
        Push::Refuse { why, .. } => Some(why.to_string()),
        Push::Aimed { push, .. } => told(std::slice::from_ref(push)).pop().map(|what| format!("aimed {what}")),
        _ => None,
    };
    pushes.iter().filter_map(tell).collect()
}

/// A message of the business's server as a user.
pub(super) fn sent(group: &str, body: &str) -> Request {
    let sender = Sender { user: UserId::trusted("u1"), info: String::new(), client: None };
    Request::Send { app: app(), group: GroupId::trusted(group), sender, voice: Voice::User, by: Actor::server(None), draft: Box::new(Draft::text(body)) }
}

#[test]
fn what_the_business_answers_about_a_message() {
    let rewritten = |elements: Option<&str>, custom: Option<&str>| HookAnswer::Proceed {
        rewritten: Rewritten { elements: elements.map(|json| (json.into(), "text".into())), custom: custom.map(str::to_owned) },
        without: Vec::new(),
    };
    for (answer, silence, client, server) in [
        (proceed(), OnSilence::Deliver, "1:hi published", "2"),
        (rewritten(Some("[1]"), None), OnSilence::Deliver, "1:text[1] published", "2"),
        (rewritten(Some("[1]"), Some("c")), OnSilence::Deliver, "1:text[1]c published", "2"),
        (rewritten(None, Some("c")), OnSilence::Deliver, "1:hic published", "2"),
        (
            rewritten(Some(&format!("[{}1]", " ".repeat(13_000))), None),
            OnSilence::Deliver,
            "the message with its elements has 13003 bytes; 12288 are allowed",
            "",
        ),
        (refuse(None, ""), OnSilence::Deliver, "the application's own server refused it", ""),
        (refuse(Some(10150), "no ads"), OnSilence::Deliver, "no ads", ""),
        (HookAnswer::Discard, OnSilence::Deliver, "published", "Discarded"),
        (HookAnswer::NoAnswer, OnSilence::Deliver, "1:hi published", "2"),
        (HookAnswer::NoAnswer, OnSilence::Refuse, "the application's own server did not answer in time, and wants nothing to go on then", ""),
    ] {
        let folder = Folder::new();
        let (mut b, u0, _) = asking(&folder, "message");
        b.change(AppChange::Chat(ChatSettings { on_silence: silence, ..ChatSettings::default() }));
        assert_eq!(b.says(0, &u0, "hi"), [""; 0], "it waits");
        let asked = b.questions();
        assert_eq!(asked[0].1, "message u0 to g1: hi");
        assert_eq!(b.hears(asked[0].0, answer.clone()).join(" "), client, "{answer:?}");
        let wait = b.begin(sent("g1", "ho"));
        assert!(wait.try_recv().is_err());
        b.hears(b.questions()[0].0, answer.clone());
        let got = match wait.recv().unwrap() {
            Ok(Answer::Sent(said)) => said.seq.unwrap().to_string(),
            Ok(Answer::Dropped { why, .. }) => format!("{why:?}"),
            other => other.map(|answer| format!("{answer:?}")).unwrap_or_else(|why| why.to_string()),
        };
        assert_eq!(got, if server.is_empty() { client } else { server }, "{answer:?}, of a server");
        let (memory, reload) = b.seen();
        assert_eq!(memory, reload);
    }
}

#[test]
fn the_moderation_comes_after_the_business_and_the_message_keeps_its_place() {
    let folder = Folder::new();
    let (mut b, u0, u1) = asking(&folder, "message");
    b.change(AppChange::Audit(Audit::Custom("http://a.example.com/".into())));
    b.says(0, &u0, "a");
    b.says(0, &u0, "b");
    let hooks = b.questions();
    assert_eq!(b.hears(hooks[1].0, proceed()), [""; 0]);
    let second = b.questions().remove(0);
    assert_eq!(second.1, "text b", "it need not wait for the first to be asked about");
    assert_eq!(b.answered(second.0, Verdict::Passed), [""; 0]);
    b.says(1, &u1, "x");
    let other = b.questions().remove(0);
    b.hears(other.0, HookAnswer::NoAnswer);
    let other = b.questions().remove(0);
    assert_eq!(b.answered(other.0, Verdict::Passed), ["1:x", "published"], "another sender's goes on");
    let rewritten = Rewritten { elements: Some(("[]".into(), "milder".into())), custom: None };
    b.hears(hooks[0].0, HookAnswer::Proceed { rewritten, without: Vec::new() });
    let first = b.questions().remove(0);
    assert_eq!(first.1, "text milder");
    assert_eq!(b.answered(first.0, Verdict::Refused("still".into())), ["refused by moderation: still", "2:b", "published"]);
    assert_eq!(b.answered(first.0, Verdict::Passed), [""; 0], "a second verdict is nothing");
    assert_eq!(b.in_time(ANSWER_WITHIN), [""; 0]);
}

#[test]
fn silence_has_its_time_and_what_is_not_asked_in_time_goes_nowhere() {
    let folder = Folder::new();
    let (mut b, u0, u1) = asking(&folder, "message");
    b.says(0, &u0, "early");
    b.questions();
    assert_eq!(b.in_time(ANSWER_WITHIN - 1), [""; 0]);
    assert_eq!(b.in_time(1), ["1:early", "published"]);
    b.says(1, &u1, "answered");
    let id = b.questions()[0].0;
    assert_eq!(b.hears(id, proceed()), ["2:answered", "published"]);
    b.says(0, &u0, "late");
    let late = b.in_time(ANSWER_WITHIN);
    assert!(late.len() == 1 && late[0].contains("too many questions"), "{late:?}");
    let counted = b.engine.core.config.metrics.render();
    assert!(counted.contains("roomd_hooks_total{answer=\"proceed\"} 1\n") && counted.contains("{answer=\"none\"} 1\n"), "{counted}");
}

#[test]
fn who_is_not_heard_is_not_asked_about() {
    let folder = Folder::new();
    let (mut b, u0, u1) = asking(&folder, "create");
    assert_eq!(b.says(0, &u0, "unlisted"), ["1:unlisted", "published"]);
    let webhook = Some(Webhook { url: "http://h.example.com/".into(), words: vec!["message".into()] });
    b.change(AppChange::ChatWebhook { webhook, token: None });
    let mute = GroupRequest::ChangeMutes(crate::domain::mute::MuteChange::Mute(vec![UserId::trusted("u0")]));
    b.ask(Request::Group { app: app(), group: GroupId::trusted("g1"), by: Actor::system(), what: mute }).unwrap();
    assert_eq!(b.says(0, &u0, "x"), ["muted in this group"]);
    let draft = Box::new(Draft { forbid_before: true, ..Draft::text("forbidden") });
    assert_eq!(b.does(1, SocketOp::Publish { sid: u1.clone(), group: GroupId::trusted("g1"), draft }), ["2:forbidden", "published"]);
    assert_eq!(b.questions(), []);
}

#[test]
fn a_message_to_one_user_is_asked_about_as_well() {
    for (answer, expected) in [
        (proceed(), "to u1:hi sent"),
        (refuse(None, ""), "the application's own server refused it"),
        (HookAnswer::Discard, "sent"),
        (HookAnswer::NoAnswer, "to u1:hi sent"),
    ] {
        let folder = Folder::new();
        let (mut b, u0, _) = asking(&folder, "direct");
        let draft = |to: &str| Box::new(DirectDraft { receiver: UserId::trusted(to), draft: Draft::text("hi"), reliable: false, chat: None });
        let away = b.does(0, SocketOp::SendDirect { sid: u0.clone(), draft: draft("nobody") });
        assert_eq!(away, ["user nobody is not connected; a message to one user is not kept for later"]);
        assert_eq!(b.does(0, SocketOp::SendDirect { sid: u0.clone(), draft: draft("u1") }), [""; 0]);
        let asked = b.questions();
        assert_eq!(asked.iter().map(|(_, about)| &**about).collect::<Vec<_>>(), ["direct u0 to u1: hi"]);
        assert_eq!(b.hears(asked[0].0, answer.clone()).join(" "), expected, "{answer:?}");
    }
}

#[test]
fn a_user_joins_when_the_business_lets_it() {
    for (answer, expected) in [
        (proceed(), "subscribed unsubscribed"),
        (HookAnswer::NoAnswer, "subscribed unsubscribed"),
        (refuse(None, "go away"), "go away unsubscribed"),
        (HookAnswer::Discard, "the application's own server refused it unsubscribed"),
    ] {
        let folder = Folder::new();
        let (mut b, u0, _) = asking(&folder, "apply");
        b.ask(new_group("g2")).unwrap();
        let subscribe =
            |b: &mut Bench, group: &str| b.does(0, SocketOp::Subscribe { sid: u0.clone(), group: GroupId::trusted(group), join_leave: false, since: None });
        assert_eq!(subscribe(&mut b, "g1"), ["already subscribed to group:g1"]);
        assert_eq!(subscribe(&mut b, "g3"), ["group g3 does not exist"]);
        assert_eq!(subscribe(&mut b, "g2"), [""; 0]);
        let unsubscribe = SocketOp::Unsubscribe { sid: u0.clone(), from: crate::domain::Named::Group(GroupId::trusted("g2")) };
        assert_eq!(b.does(0, unsubscribe), [""; 0], "what came later is done later");
        assert_eq!(b.says(0, &u0, "x"), ["1:x", "published"], "nothing else waits");
        let asked = b.questions();
        assert_eq!(asked.iter().map(|(_, about)| &**about).collect::<Vec<_>>(), ["apply u0 into g2"]);
        assert_eq!(b.hears(asked[0].0, answer.clone()).join(" "), expected, "{answer:?}");
        let (memory, reload) = b.seen();
        assert_eq!(memory, reload);
    }
}

#[test]
fn who_comes_with_a_connection_that_is_gone_does_not_come() {
    let folder = Folder::new();
    let (mut b, u0, _) = asking(&folder, "apply");
    b.ask(new_group("g2")).unwrap();
    b.does(0, SocketOp::Subscribe { sid: u0.clone(), group: GroupId::trusted("g2"), join_leave: false, since: None });
    let id = b.questions()[0].0;
    b.log_on(5, "u0");
    b.hears(id, proceed());
    let group = b.engine.core.state.group_named(&app(), &GroupId::trusted("g2")).unwrap();
    assert!(group.members.is_empty(), "{:?}", group.members);
    assert!(b.engine.waiting.is_empty());
}

#[test]
fn a_group_is_made_when_the_business_lets_it() {
    for (answer, made) in [(proceed(), true), (HookAnswer::NoAnswer, true), (refuse(Some(10101), "no"), false), (HookAnswer::Discard, false)] {
        let folder = Folder::new();
        let (mut b, ..) = asking(&folder, "create");
        let new = NewGroup { owner: "u0".into(), ..NewGroup::default() };
        let create =
            |group: &str| Request::Group { app: app(), group: GroupId::trusted(group), by: Actor::system(), what: GroupRequest::Create(Box::new(new.clone())) };
        assert!(matches!(b.ask(create("g1")), Ok(Answer::Created { already_exists: true, .. })), "of what is there, nobody is asked");
        let wait = b.begin(create("g2"));
        assert!(wait.try_recv().is_err());
        let asked = b.questions();
        assert_eq!(asked.iter().map(|(_, about)| &**about).collect::<Vec<_>>(), ["create g2 of \"u0\", who has 0"]);
        b.hears(asked[0].0, answer.clone());
        assert_eq!(wait.recv().unwrap().is_ok(), made, "{answer:?}");
        assert_eq!(b.engine.core.state.group_named(&app(), &GroupId::trusted("g2")).is_some(), made);
    }
}

#[test]
fn whom_the_business_does_not_want_is_not_brought_in() {
    let folder = Folder::new();
    let (mut b, ..) = asking(&folder, "invite");
    let new = NewGroup { kind: GroupKind::Public, ..NewGroup::default() };
    b.ask(Request::Group { app: app(), group: GroupId::trusted("p"), by: Actor::system(), what: GroupRequest::Create(Box::new(new)) }).unwrap();
    let add = |users: &[&str]| {
        let members = users.iter().map(|user| NewMember { user: UserId::trusted(user), admin: false, data: Default::default() }).collect();
        Request::Group { app: app(), group: GroupId::trusted("p"), by: Actor::server(None), what: GroupRequest::AddMembers { members } }
    };
    let added = |answer: Result<Answer, Refusal>| match answer {
        Ok(Answer::Added(added)) => added.iter().map(|(user, added)| format!("{user} {added:?}")).collect::<Vec<_>>().join(", "),
        other => format!("{other:?}"),
    };
    let without = |user: &str| HookAnswer::Proceed { rewritten: Rewritten::default(), without: vec![UserId::trusted(user)] };
    let wait = b.begin(add(&["u0", "nobody", "u1"]));
    let asked = b.questions().remove(0);
    assert_eq!(asked.1, r#"invite [UserId("u0"), UserId("u1")] into p by """#);
    b.hears(asked.0, without("u0"));
    assert_eq!(added(wait.recv().unwrap()), "u0 Refused, nobody Refused, u1 Now");
    assert_eq!(added(b.ask(add(&["u1"]))), "u1 Already", "nobody new, nobody asked");
    let wait = b.begin(add(&["u0"]));
    let id = b.questions()[0].0;
    b.hears(id, without("u0"));
    assert_eq!(added(wait.recv().unwrap()), "u0 Refused");
    let wait = b.begin(add(&["u0"]));
    let id = b.questions()[0].0;
    b.hears(id, refuse(None, ""));
    assert_eq!(wait.recv().unwrap().unwrap_err(), Refusal::HookRefused { code: None, info: String::new() });
    let wait = b.begin(add(&["u0"]));
    let id = b.questions()[0].0;
    b.hears(id, HookAnswer::NoAnswer);
    assert_eq!(added(wait.recv().unwrap()), "u0 Now");
}

#[test]
fn a_server_may_say_more_at_once_than_a_client_and_each_group_by_itself() {
    let folder = Folder::new();
    let (mut b, u0, _) = asking(&folder, "message");
    b.ask(new_group("g2")).unwrap();
    let waits: Vec<_> = (0..64).map(|n| b.begin(sent("g1", &n.to_string()))).collect();
    assert!(waits.iter().all(|wait| wait.try_recv().is_err()), "they all wait");
    assert!(matches!(b.begin(sent("g1", "x")).recv().unwrap(), Err(Refusal::TooFast(_))));
    let other = b.begin(sent("g2", "y"));
    let id = b.questions().last().unwrap().0;
    b.hears(id, proceed());
    assert!(matches!(other.recv().unwrap(), Ok(Answer::Sent(_))), "it stands behind none of the other group's");
    let refused = (0..17).filter(|n| !b.says(0, &u0, &n.to_string()).is_empty()).count();
    assert_eq!(refused, 1);
}

#[test]
fn what_is_dropped_by_the_business_takes_no_number() {
    let folder = Folder::new();
    let (mut b, u0, _) = asking(&folder, "message");
    let wait = b.begin(sent("g1", "x"));
    let id = b.questions()[0].0;
    b.hears(id, HookAnswer::Discard);
    assert!(matches!(wait.recv().unwrap(), Ok(Answer::Dropped { why: Dropped::Discarded, .. })));
    b.says(0, &u0, "y");
    let id = b.questions()[0].0;
    assert_eq!(b.hears(id, proceed()), ["1:y", "published"]);
}
