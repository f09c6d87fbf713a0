//! What waits for somebody outside: moderation servers and clients that confirm. Nobody else waits with it.

use super::*;
use crate::domain::{
    Tid,
    app::AppChange,
    direct::{ACK_WITHIN, DirectDraft},
    message::Sender,
    moderation::{ANSWER_WITHIN, About, Question, Verdict},
};

/// A group with two members, in an application whose messages are moderated elsewhere.
fn moderated(folder: &Folder) -> (Bench, SessionId, SessionId) {
    let mut b = bench(folder);
    let audit = AppChange::Audit(Audit::Custom("http://a.example.com/".into()));
    b.ask(Request::ChangeApp { app: app(), change: audit }).unwrap();
    let (u0, u1) = (b.log_on(0, "u0"), b.log_on(1, "u1"));
    b.join(0, &u0, "g1");
    b.join(1, &u1, "g1");
    (b, u0, u1)
}

impl Bench {
    /// The questions since the last look; their turn has come.
    fn asked(&self) -> Vec<Question> {
        let asked = std::mem::take(&mut *self.questions.lock().unwrap());
        asked.iter().for_each(|question| question.asked.store(true, Ordering::SeqCst));
        asked
    }

    fn verdict(&mut self, question: &Question, verdict: Verdict) -> Vec<String> {
        self.pushes.lock().unwrap().clear();
        self.batch(vec![Command::Verdict(question.id, verdict)]);
        said(&std::mem::take(&mut *self.pushes.lock().unwrap()))
    }

    fn pass(&mut self, ms: u64) -> Vec<String> {
        self.engine.core.clock.advance(ms).unwrap();
        said(&self.sockets(vec![]))
    }
}

/// What a moderation server is asked about.
fn text(question: &Question) -> &str {
    match &question.about {
        About::Text(text) => text,
        About::Hook(_) => "a hook",
    }
}

/// Messages by their bodies, answers by what they are.
fn said(pushes: &[Push]) -> Vec<String> {
    let tell = |push: &Push| match push {
        Push::Message { message, .. } => Some(format!("{}:{}", message.seq.unwrap_or(0), message.body)),
        Push::Direct { message, .. } => Some(format!("to {}:{}", message.receiver, message.body)),
        Push::Reply { reply: Reply::Published, .. } => Some("published".into()),
        Push::Refuse { why, .. } => Some(why.to_string()),
        _ => None,
    };
    pushes.iter().filter_map(tell).collect()
}

#[test]
fn a_message_waits_for_its_verdict_and_for_the_sender_s_earlier_ones() {
    let folder = Folder::new();
    let (mut b, u0, u1) = moderated(&folder);
    let commands: Vec<_> = ["a", "bad", "c"].into_iter().map(|body| b.publish(0, &u0, "g1", body)).collect();
    assert_eq!(said(&b.sockets(commands)), [""; 0], "all wait");
    let asked = b.asked();
    assert_eq!(asked.iter().map(|q| (q.app.as_str(), text(q))).collect::<Vec<_>>(), [("demo", "a"), ("demo", "bad"), ("demo", "c")]);
    let other = b.publish(1, &u1, "g1", "x");
    b.sockets(vec![other]);
    let x = b.asked().remove(0);
    assert_eq!(b.verdict(&x, Verdict::Passed), ["1:x", "published"], "another sender's goes on");
    assert_eq!(b.verdict(&asked[2], Verdict::Passed), [""; 0]);
    assert_eq!(b.verdict(&asked[1], Verdict::Refused("not nice".into())), [""; 0]);
    assert_eq!(b.verdict(&asked[0], Verdict::Passed), ["2:a", "published", "refused by moderation: not nice", "3:c", "published"]);
    assert_eq!(b.verdict(&asked[0], Verdict::Passed), [""; 0], "a second verdict is nothing");
    let (memory, reload) = b.seen();
    assert_eq!(memory, reload);
}

#[test]
fn silence_lets_a_message_through_after_its_time() {
    let folder = Folder::new();
    let (mut b, u0, _) = moderated(&folder);
    let command = b.publish(0, &u0, "g1", "a");
    b.sockets(vec![command]);
    let asked = b.asked();
    assert_eq!(b.pass(ANSWER_WITHIN - 1), [""; 0]);
    assert_eq!(b.pass(1), ["1:a", "published"]);
    assert_eq!(b.verdict(&asked[0], Verdict::Refused("too late".into())), [""; 0]);
    assert!(b.engine.core.config.metrics.render().contains("{verdict=\"let_through\"} 1"));
}

#[test]
fn what_is_checked_before_is_checked_again_and_order_outlives_a_switch() {
    let folder = Folder::new();
    let (mut b, u0, _) = moderated(&folder);
    let commands: Vec<_> = ["a", "b"].into_iter().map(|body| b.publish(0, &u0, "g1", body)).collect();
    b.sockets(commands);
    let asked = b.asked();
    b.ask(Request::ChangeApp { app: app(), change: AppChange::Audit(Audit::None) }).unwrap();
    let third = b.publish(0, &u0, "g1", "c");
    assert_eq!(said(&b.sockets(vec![third])), [""; 0], "it stands behind the others, and nobody is asked");
    assert_eq!(b.asked().len(), 0);
    assert_eq!(b.verdict(&asked[0], Verdict::Passed), ["1:a", "published"]);
    let mute = GroupRequest::ChangeMutes(crate::domain::mute::MuteChange::Mute(vec![UserId::trusted("u0")]));
    b.ask(Request::Group { app: app(), group: GroupId::trusted("g1"), by: Actor::system(), what: mute }).unwrap();
    assert_eq!(b.verdict(&asked[1], Verdict::Passed), ["muted in this group", "muted in this group"]);
    // Who may not speak is not asked about.
    b.ask(Request::ChangeApp { app: app(), change: AppChange::Audit(Audit::Custom("http://a.example.com/".into())) }).unwrap();
    let muted = b.publish(0, &u0, "g1", "d");
    assert_eq!(said(&b.sockets(vec![muted])), ["muted in this group"]);
    assert_eq!(b.asked().len(), 0);
}

#[test]
fn a_flood_carries_nothing_past_a_server_that_answers() {
    let folder = Folder::new();
    let (mut b, u0, u1) = moderated(&folder);
    let first = b.publish(1, &u1, "g1", "x");
    b.sockets(vec![first]);
    let x = b.asked().remove(0);
    assert_eq!(b.verdict(&x, Verdict::LetThrough), ["1:x", "published"], "an answer, though not a good one");
    // Its turn does not come in time: that is our doing, and no reason to let it through.
    let late = b.publish(0, &u0, "g1", "bad");
    b.sockets(vec![late]);
    let refused = b.pass(ANSWER_WITHIN);
    assert!(refused.len() == 1 && refused[0].contains("too many messages"), "{refused:?}");
    // Of a server that is silent anyway, nobody waits for a turn.
    b.asked();
    let first = b.publish(1, &u1, "g1", "y");
    b.sockets(vec![first]);
    b.asked();
    assert_eq!(b.pass(ANSWER_WITHIN), ["2:y", "published"]);
    let late = b.publish(0, &u0, "g1", "z");
    b.sockets(vec![late]);
    assert_eq!(b.pass(ANSWER_WITHIN), ["3:z", "published"]);
}

#[test]
fn a_stop_lets_nothing_through() {
    let folder = Folder::new();
    let (mut b, u0, _) = moderated(&folder);
    let commands: Vec<_> = ["a", "b"].into_iter().map(|body| b.publish(0, &u0, "g1", body)).collect();
    b.sockets(commands);
    let asked = b.asked();
    b.engine.waiting.closing = true;
    assert_eq!(b.pass(ANSWER_WITHIN), [""; 0], "they were not acknowledged, and are not said");
    assert_eq!(b.verdict(&asked[0], Verdict::Passed), ["1:a", "published"], "an answer still counts");
}

#[test]
fn only_so_many_of_one_sender_wait() {
    let folder = Folder::new();
    let (mut b, u0, u1) = moderated(&folder);
    let commands: Vec<_> = (0..17).map(|n| b.publish(0, &u0, "g1", &n.to_string())).collect();
    let refused = said(&b.sockets(commands));
    assert!(refused.len() == 1 && refused[0].starts_with("too fast"), "{refused:?}");
    let other = b.publish(1, &u1, "g1", "x");
    assert_eq!(said(&b.sockets(vec![other])), [""; 0]);
    assert_eq!(b.asked().len(), 17, "their turns come");
    assert_eq!(b.pass(ANSWER_WITHIN).iter().filter(|s| *s == "published").count(), 17);
    let again = b.publish(0, &u0, "g1", "again");
    assert_eq!(said(&b.sockets(vec![again])), [""; 0], "there is room again");
}

#[test]
fn a_lost_batch_loses_no_question_and_acknowledges_nothing() {
    let folder = Folder::new();
    let (mut b, u0, _) = moderated(&folder);
    b.failing.store(true, Ordering::SeqCst);
    let command = b.publish(0, &u0, "g1", "a");
    b.pushes.lock().unwrap().clear();
    let (answer, _wait) = mpsc::sync_channel(1);
    b.batch(vec![Command::Socket(command), Command::Call(Box::new(new_group("g2")), answer)]);
    assert_eq!(said(&b.pushes.lock().unwrap()), [""; 0], "it waits, whatever became of the others");
    let asked = b.asked();
    assert_eq!(b.verdict(&asked[0], Verdict::Passed), ["the store could not be written; nothing was changed, try again"]);
    b.failing.store(false, Ordering::SeqCst);
    let (memory, reload) = b.seen();
    assert_eq!(memory, reload);
    assert_eq!(memory.groups[0].1.top, 0);
}

fn direct(reliable: bool) -> Request {
    let draft = DirectDraft { receiver: UserId::trusted("u1"), draft: Draft::text("hi"), reliable, chat: None };
    let sender = Sender { user: UserId::trusted("boss"), info: String::new(), client: None };
    Request::SendDirect { app: app(), sender, by: Actor::system(), draft: Box::new(draft) }
}

/// Sends the request, and returns where its answer will come and what the message is confirmed by.
fn send(b: &mut Bench, request: Request) -> (mpsc::Receiver<Result<Answer, Refusal>>, Option<Tid>) {
    let (answer, wait) = mpsc::sync_channel(1);
    b.pushes.lock().unwrap().clear();
    b.batch(vec![Command::Call(Box::new(request), answer)]);
    let ack = b.pushes.lock().unwrap().iter().find_map(|push| match push {
        Push::Direct { message, .. } => message.ack.clone(),
        _ => None,
    });
    (wait, ack)
}

#[test]
fn a_reliable_message_is_answered_when_its_receiver_confirms_it() {
    let folder = Folder::new();
    let mut b = bench(&folder);
    let (u0, u1) = (b.log_on(0, "u0"), b.log_on(1, "u1"));
    let (wait, none) = send(&mut b, direct(false));
    assert!(none.is_none() && matches!(wait.recv(), Ok(Ok(Answer::Sent { .. }))));

    let (wait, ack) = send(&mut b, direct(true));
    let acks = vec![ack.unwrap().to_string()];
    let wrong = b.command(0, SocketOp::Ack { sid: u0, acks: acks.clone() });
    b.sockets(vec![wrong]);
    assert!(wait.try_recv().is_err(), "somebody else confirmed it");
    // The receiver comes back on a new connection within its time: the message comes again.
    let login = Login { app: app(), user: UserId::trusted("u1"), role: String::new(), device: "d".into(), info: String::new(), address: None, made: None };
    let again = b.command(2, SocketOp::Connect(Box::new(login)));
    assert_eq!(said(&b.sockets(vec![again])), ["to u1:hi"]);
    let right = b.command(2, SocketOp::Ack { sid: u1.clone(), acks });
    b.sockets(vec![right]);
    assert!(matches!(wait.recv(), Ok(Ok(Answer::Sent { .. }))));

    let (wait, _) = send(&mut b, direct(true));
    b.pass(ACK_WITHIN - 1);
    assert!(wait.try_recv().is_err());
    b.pass(1);
    assert_eq!(wait.recv().unwrap().unwrap_err(), Refusal::NotConfirmed("u1".into()));

    b.sockets(vec![SocketCommand { conn: conn(2), id: 0, op: SocketOp::Ended { sid: u1, how: SocketEnd::Goodbye } }]);
    let (wait, _) = send(&mut b, direct(true));
    assert_eq!(wait.recv().unwrap().unwrap_err(), Refusal::NotConnected("u1".into()));
}

#[test]
fn a_reliable_message_of_a_lost_batch_is_refused_at_once() {
    let folder = Folder::new();
    let mut b = bench(&folder);
    b.log_on(1, "u1");
    b.failing.store(true, Ordering::SeqCst);
    let (wait, ack) = send(&mut b, direct(true));
    assert_eq!((wait.recv().unwrap().unwrap_err(), ack), (Refusal::Unavailable, None));
}

#[test]
fn a_client_that_never_confirms_takes_few_places() {
    let folder = Folder::new();
    let mut b = bench(&folder);
    b.log_on(1, "u1");
    let waits: Vec<_> = (0..64).map(|_| send(&mut b, direct(true)).0).collect();
    assert!(matches!(send(&mut b, direct(true)).0.recv(), Ok(Err(Refusal::TooFast(_)))));
    assert!(matches!(send(&mut b, direct(false)).0.recv(), Ok(Ok(Answer::Sent { .. }))));
    b.pass(ACK_WITHIN);
    assert!(waits.into_iter().all(|wait| matches!(wait.recv(), Ok(Err(Refusal::NotConfirmed(_))))));
}
