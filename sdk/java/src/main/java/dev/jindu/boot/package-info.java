/**
 * What woven classes call: the context of a run, and one class of hooks for each library.
 *
 * <p>The agent gives this package to the bootstrap loader, so that every class of the JVM, the JDK's too, sees
 * the same one. It therefore uses nothing but java.base; what needs java.sql comes in through {@link JdbcPort}.
 *
 * <p>Invariants: a thread without a context is left alone; a hook that fails leaves a user's request as it was
 * and refuses a shadow's; nothing here waits for the network, but the reporter's own thread.
 */
package dev.jindu.boot;
