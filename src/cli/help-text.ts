/** What `mcp-await --help` prints, as data: `npx vitest run test/cli/plain-line.test.ts --update` writes it. */
export const HELP = `Usage: mcp-await [options] [command]

Call any MCP tool and get its result, however long it takes.

Options:
  -V, --version                 output the version number
  -h, --help                    display help for command

Commands:
  run [options] <tool>          call a tool and print its final result
  wait [options] <reference>    resume a job and print its final result
  status [options] <reference>  print the state of a job
  cancel [options] <reference>  cancel a job and print its state
  list [options]                list the jobs of this machine's journal, the
                                newest first
  forget [options] [id|key]     remove a job from this machine's journal, so
                                that its key starts a new one
  login [options] <server>      sign in to a server by OAuth, for all commands
                                of this user
  logout [options] <server>     revoke the tokens of a server and delete them
  tools [options] [tool]        list a server's tools, or show how to call one
                                of them
  pairs [options] <action>      propose profiles for the start/status pairs of a
                                server
  serve [options]               run the bundled server, on the standard streams
                                or over HTTP
  proxy [options]               serve one server, or all of an mcpServers file
                                (--config), to hosts that time out
  install [options] <host>      put the proxy in front of the servers in a
                                host's file
  doctor [options]              check Node, the state folder, the store, the
                                journal, the hosts and each server
  worker [options]              run the tasks of servers with --no-worker on the
                                same store
  store [options] <action>      create the table, indexes, time to live and
                                queues of a DynamoDB store
  stats [options]               count the tasks of a store, by operation
  tasks [options]               list the tasks of a store, the newest first
  config [options]              print every setting and where it comes from;
                                takes the flags of serve and run
  load [options]                run many tasks at once and measure the server
  completion <shell>            print the completion script of a shell
  help [command]                display help for command
`;
