/**
 * The agent: reads the options, gives the hooks to the bootstrap loader, and weaves calls of them into classes.
 *
 * <pre>
 *   Premain ─► boot.jar on the bootstrap path ─► Agent ─► Transformer ─┬─ Jdk    classes of the JDK, by name
 *                                                                      ├─ Jdbc   whatever looks like a driver or pool
 *                                                                      ├─ Servlets
 *                                                                      └─ Libraries  Jedis, Lettuce, Kafka, ...
 * </pre>
 *
 * <p>A class that cannot be woven is left as it is and named once on standard error.
 */
package dev.jindu.agent;
