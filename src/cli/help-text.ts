/** What `mcp-await --help` prints, as data: `npx vitest run test/cli/plain-line.test.ts --update` writes it. */
export const HELP = `Usage: mcp-await [options] [command]

Call any MCP tool and get its result, however long it takes.

Options:
  -V, --version                 output the version number
  -h, --help                    display help for command

Commands:
  run [options] <tool>          call a tool and print its final result
  wait [options] <reference>    pick a job up again and print its final result
  status [options] <reference>  tell once how a job stands
  cancel [options] <reference>  cancel a job and tell how it then stands
  list [options]                list the jobs of this machine's journal, the
                                newest first
  forget [options] [id|key]     remove a job from this machine's journal, so
                                that its key starts a new one
  login [options] <server>      sign in to a server by OAuth, for all commands
                                of this user
  logout [options] <server>     give the tokens of a server back, and forget
                                them
  tools [options] [tool]        list a server's tools, or tell of one how it is
                                called
  pairs [options] <action>      propose profiles for the pairs of start and
                                status tools of a server
  serve [options]               run the bundled server, on the standard streams
                                or over HTTP
  proxy [options]               serve any server, or all of an mcpServers file
                                (--config), so that hosts that time out can use
                                it
  install [options] <host>      put the proxy before the servers of a host's
                                file, so that its long calls end well
  doctor [options]              look at all that calls stand on: Node, state
                                folder, store, journal, hosts, and each server
  worker [options]              run the tasks that servers started with
                                --no-worker accept on the same store
  store [options] <action>      make the table, indexes, time to live and queues
                                of a store on DynamoDB
  stats [options]               tell how the tasks of a store stand, by
                                operation
  tasks [options]               list the tasks of a store, the newest first
  config [options]              print every setting that holds, and who says so;
                                takes the flags of serve and run
  load [options]                run many tasks at once and judge how the server
                                bears it
  completion <shell>            print what a shell needs to complete these
                                commands
  help [command]                display help for command
`;
