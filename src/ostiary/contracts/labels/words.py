"""What the words in names of tools, parameters and fields mean, in English and a few other languages, without accents and in the singular.

General vocabulary of business interfaces; no product's own names. Of a word that stands in two concepts the first counts; what depends on its neighbours is decided in `names`.
"""


def listed(text: str) -> frozenset[str]:
    """The words of a text."""
    return frozenset(text.split())


CONCEPTS: dict[str, str] = {
    "email": "emailadresse email mail mailbox correo courriel posta epost mailaddress",
    "phone": "phone telephone mobile msisdn fax sms whatsapp telefon telefono handy rufnummer telefoonnummer callee",
    "recipient": """mention mentioned tagged
        recipient receiver addressee to cc bcc attendee participant invitee guest reviewer assignee collaborator subscriber follower delegate
        audience destinee watcher approver empfanger empfaenger destinataire destinatario teilnehmer participante partecipante deelnemer
        ontvanger invite consignee signer signatory
    """,
    "person": """
        user usr person people customer client employee member contact owner colleague staff candidate applicant patient student teacher author creator
        manager supervisor sender requester reporter username login handle nickname screenname kunde benutzer nutzer mitarbeiter utilisateur
        usuario cliente utente gebruiker klant medewerker traveler traveller passenger tenant lead agent vendor supplier seller buyer partner
        worker actor profile
    """,
    "group": """
        channel chat conversation room group team thread forum guild kanal gruppe canal groupe grupo gruppo kanaal groep
        distribution subreddit workspace
    """,
    "url": """
        url uri link href website webpage webhook callback endpoint domain host hostname site redirect permalink homepage proxy server ip fqdn
        ipv4 ipv6 nameserver dns webseite adresseweb enlace lien sitio dominio remote feed rss
    """,
    "account": """conta cartao
        account iban acct bic swift routing card wallet payee beneficiary creditor debtor payer cardnumber bban sepa ach konto kontonummer compte cuenta
        conto rekening begunstigter beneficiaire beneficiario blz clabe pix upi vpa lightning paypal venmo payout
    """,
    "amount": """preco quantidade
        amount sum total price quantity qty cost fee budget salary wage bonus tip balance discount subtotal money funds rate payment stake
        betrag summe preis menge montant prix quantite importe monto cantidad precio importo prezzo quantita bedrag prijs aantal valor
        cents amt units shares deposit refund credit bid offer stipend allowance
    """,
    "currency": "currency waehrung wahrung devise moneda valuta munt",
    "postal": """endereco rua cidade
        address street city zip zipcode postcode postal house apartment county province country region state recipientaddress adresse anschrift strasse
        stadt plz rue ville direccion calle ciudad indirizzo via citta adres straat
    """,
    "path": """arquivo pasta
        path filepath file filename folder directory dir dirname pathname document doc attachmentpath datei ordner pfad verzeichnis fichier dossier
        chemin archivo carpeta ruta cartella percorso bestand map blob bucket object s3 drive
    """,
    "place": "head base source destination target origin from",
    "thing": """symbol ticker stock coin instrument range cell sheet organization organisation org company department division crew airline seat gate
        item record ticket issue task order invoice booking reservation event product project repo repository branch commit tag release job pipeline
        deployment instance cluster volume vm database table row column index queue resource asset license subscription plan policy rule case
        opportunity deal campaign hotel restaurant flight train trip vehicle car appointment meeting calendar board card list sprint epic story
        milestone label page transaction transfer payment shipment parcel package listing bill
        contract agreement template form survey question answer quiz course lesson grade exam dataset model experiment run snapshot image container
        pod namespace service function certificate session device sensor alert incident rechnung bestellung auftrag vorgang
        facture commande pedido factura reserva prenotazione ordine fattura factuur bestelling zone environment env workflow step pr mr pull
        request bug feature component version build artifact dashboard chart report notebook ledger statement
    """,
    "text": """mensagem assunto corpo conteudo descricao mensaje texto
        text body content subject subj title description note notes comment message reason html markdown summary caption headline details detail
        memo remark instruction instructions bio about signature greeting feedback review answer reply explanation paragraph sentence transcript
        subjectline snippet abstract preview quote tweet caption heading betreff nachricht inhalt beschreibung titel bemerkung kommentar grund
        verwendungszweck objet contenu corps sujet motif titre asunto cuerpo contenido mensaje motivo titulo descripcion oggetto corpo messaggio
        contenuto onderwerp bericht inhoud omschrijving
        purpose prompt attachment footer header banner announcement data payload blob input document_text changes patch diff value values fields
        properties metadata attributes arguments args params options settings config configuration record json xml csv yaml
        displayname firstname lastname surname fullname givenname familyname nickname label slogan alt location place venue agenda topic
    """,
    "query": """
        query q search keyword term filter where criteria pattern expression regex glob match needle lookup suche suchbegriff recherche busqueda ricerca
        zoekterm jql cql sql statement
    """,
    "code": "code script command cmd program shell bash powershell macro formula snippet source expr javascript python stdin entrypoint hook",
    "secret": "password passphrase passwd pwd secret token apikey credential pin otp passcode kennwort passwort contrasena motdepasse wachtwoord",
    "rights": "permission role scope privilege right access acl grant visibility policy berechtigung rolle permiso droit",
    "date": """
        date time datetime timestamp day week month year hour minute second start end begin until since deadline due when before after from_date
        created updated modified expires expiry expiration duration timezone tz at on datum zeit uhrzeit fecha hora heure giorno ora dag tijd
        recurrence recurring schedule period interval birthday birthdate dob age arrival departure checkin checkout nights
    """,
    "flag": """
        is has should enable enabled disabled active dry force async notify recursive overwrite public private draft archived urgent silent confirm
        verbose include exclude only all append
    """,
    "paging": """port carrier stage
        limit offset page cursor size max min count top skip per first last n num number_of results sort order orderby sortby direction asc desc
        fields expand include depth format lang language locale timeout seconds ttl priority severity rating score stars level width height temperature
        weight length distance radius latitude longitude lat lon lng percent percentage ratio position rank index version color colour size mode type kind
        category status state unit units method strategy algorithm quality confidence threshold
    """,
}  # fmt: skip

WEAK = frozenset(
    {
        "id", "ids", "uuid", "guid", "identifier", "number", "nr", "no", "num", "numero", "nummer", "name", "nombre", "nom", "nome", "naam", "address",
        "direccion", "adresse", "code", "key", "ref", "reference", "slug", "sku", "sha", "hash", "list", "array", "value", "field", "info", "data", "str",
        "string", "object", "obj", "details", "record", "arn", "urn", "handle", "uid", "oid", "pk", "nbr", "kennung", "identifiant",
        "identificador", "set", "collection", "input", "param", "arg", "new", "old", "current", "selected", "primary", "full", "item",
    }
)  # fmt: skip
"""Words that say little alone: the word beside them decides."""

VAGUE = listed("value data input arg param parameter argument field x y z v s a b string object thing target")
"""Names that promise nothing: the description says what it is."""

IDS = frozenset(
    {
        "id", "uuid", "guid", "identifier", "slug", "sku", "sha", "hash", "arn", "urn", "uid", "oid", "pk", "ref", "reference", "key", "number", "nr", "no",
        "nbr", "numero", "nummer", "kennung", "identifiant", "identificador", "isbn", "ean", "asin", "vin", "iata", "icao",
    }
)  # fmt: skip

LITTLE = listed(
    "a an the of for in on at by with from and or to de del la le el il di da des du der die das den von fur voor van con para per pour que"
)

VERBS: dict[str, str] = {
    "read": """
        get export screenshot navigate list search find read fetch show query lookup look describe check count view browse retrieve download inspect compare explain
        whoami head peek poll see scan is has can suggest recommend filter match preview display
        examine discover locate enumerate tail ls cat grep glob stat whois ping available ask hole zeige suche liste finde lies pruefe
        obtenir lister chercher rechercher afficher lire trouver consulter obtener listar buscar mostrar leer consultar ver ottenere elencare
        cercare mostrare leggere zoek toon haal lijst bekijk obter ler
    """,
    "process": """
        translate summarize summarise analyze analyse classify detect convert render calculate compute evaluate validate extract transcribe geocode
        predict parse format tokenize embed score rank estimate recognize ocr proofread spellcheck paraphrase simulate
        uebersetze traduire traducir tradurre vertaal
    """,
    "tell": """
        send reply forward post publish message notify email mail text sms call tweet invite share broadcast submit announce comment dm deliver fax tell
        respond answer retweet alert sende antworte teile verschicke leite envoyer repondre partager publier enviar responder
        compartir publicar invitar inviare rispondere condividere invitare stuur verzend beantwoord deel nodig_uit compartilhar export_to
    """,
    "pay": """
        pay transfer refund charge withdraw deposit purchase buy order checkout donate tip remit wire invest sell trade bid subscribe payout capture redeem
        settle reimburse topup lend borrow stake swap mint spend bezahle ueberweise uberweise kaufe erstatte payer virer acheter rembourser pagar
        transferir comprar reembolsar pagare trasferire acquistare rimborsare betaal koop
    """,
    "grant": """
        grant assign authorize authorise allow permit delegate promote impersonate elevate unblock approve appoint transfer_ownership freigeben
        berechtige autoriser autorizar
    """,
    "make": """
        create add insert new make open register upload write generate draft book reserve schedule import clone fork append attach upsert log record
        init initialize start launch provision enroll enrol allocate issue compose build install plan prepare put store save file duplicate copy
        erstelle lege_an buche reserviere plane schreibe fuege creer ajouter reserver planifier ecrire crear agregar reservar programar escribir
        anadir creare aggiungere prenotare scrivere maak boek reserveer voeg_toe criar adicionar
    """,
    "change": """return exchange manage watch monitor track verify recall load select print moderate
        update edit modify change set patch rename move replace reset toggle enable disable mark archive restore pin unpin star unstar label tag untag
        merge reject accept decline close reopen resolve confirm cancel reschedule unassign link unlink lock unlock sync apply configure
        adjust extend upgrade downgrade follow unfollow block mute react like vote rate review activate deactivate suspend resume pause complete finish
        increment decrement adopt convert_to flag escalate snooze dismiss acknowledge ack release promote rotate sign rollback revert undo redo
        click press type fill hover drag scroll control turn switch dim play skip queue aendere aktualisiere storniere verschiebe bearbeite
        modifier annuler changer deplacer mettre actualizar modificar cancelar cambiar mover modificare annullare cambiare spostare wijzig
        annuleer verplaats atualizar alterar commit push rebase checkout_branch amend
    """,
    "remove": """
        delete remove destroy purge drop erase wipe terminate clear trash uninstall revoke unsubscribe kill truncate expunge empty unregister evict detach
        deprovision decommission ban kick expel prune flush loesche entferne supprimer retirer effacer eliminar borrar quitar eliminare
        cancellare rimuovere verwijder wis apagar remover excluir
    """,
    "run": """
        run execute exec eval deploy trigger invoke restart stop reboot shutdown scale spawn perform dispatch submit_job fuehre_aus starte executer ejecutar
        eseguire voer_uit executar
    """,
}  # fmt: skip

NOUNS_TOO = listed("""
    post order file message comment log record transfer charge invite share update change release fork star watch import export run report review email
    mail text call page alert set tag label list index view state order book issue draft plan match build copy deposit tip stake refund payout label
    reply answer quote link lock contact query search filter access function rule schedule reserve transfer map format rank score check count print
    install request commit checkout bid trade wire capture sign block play queue skip type head sms dm fax rate vote flag file store stop start
    purchase subscribe scale page process status
    """)
"""Verbs that are as often nouns: at the end of a name, behind another verb, they say what a tool is about."""

SHARING = listed(
    "invite share add grant assign permit allow authorize authorise tag mention cc subscribe enroll enrol"
)
"""Verbs that let somebody see or do something: whom they name is a recipient."""

MONEY = listed("""
    transaction payment money transfer payout fund bank iban invoice bill wallet salary payroll donation purchase order refund charge wire sepa trade
    crypto coin subscription checkout cart uberweisung zahlung paiement virement pago transferencia pagamento bonifico betaling
    """)

DIRECTORY = listed("""
    user contact employee member customer person people profile colleague staff directory me owner team supplier vendor beneficiary payee account iban
    client patient student address phonebook kontakt kunde mitarbeiter utilisateur usuario contacto cliente
    """)
"""What a directory is about: the address or the account that it gives for somebody was put there by the company."""

OUTSIDE = listed("""
    web internet online google bing duckduckgo browser crawl scrape http https website webpage url domain dns whois wikipedia llm openai anthropic gpt
    claude gemini model ai chatgpt perplexity news youtube reddit twitter
    """)
"""A read about these asks somebody else: what is asked leaves."""

PUBLIC = listed(
    "web webpage website internet wikipedia news weather forecast holiday exchange public hotel restaurant flight airport movie recipe"
)

SCALARS = listed("iban balance count today now date time day clock bic swift")

IRREVERSIBLE = listed(
    "purge wipe destroy drop terminate truncate erase empty expunge decommission deprovision shutdown flush"
)
TAKES_OUT = listed("read open download fetch load extract cat tail")
DOCUMENTS = listed("file document doc page attachment note article blob object")
SENTENCES = listed("content text transcript body raw attachment")
"""A read of these hands out what somebody wrote, as it is: a file may hold anything, also what looks like a record."""
WHOLESALE = listed("all everything everyone everybody bulk batch mass")
EXECUTES = listed("query shell bash command cmd script code eval sql statement terminal powershell macro")
CREDENTIALS = listed(
    "password passphrase credential secret token apikey mfa otp 2fa iam dns webhook sso oauth role permission admin acl privilege policy firewall ownership scim"
)
OPENING = listed("api access deploy ssh signing encryption private license")
"""What stands before `key` where a key opens something."""

LISTING = listed(
    "shared sharedwith participant attendee recipient cc bcc member collaborator viewer editor reader owner reviewer subscriber follower audience to acl"
)
"""Fields that list who already has the record."""

FACTS = listed(
    """
    price fare cost fee rate address hour opening closing fuel option type cuisine dietary restriction balance iban bic swift currency exchange stock
    quantity capacity seat availability available day today date time now clock timezone weather forecast temperature distance duration mileage
    """
)
"""What is asked for where no sentence is expected: prices, places, hours."""

PLACES = listed(
    "hotel restaurant company airline airport flight train bus car rental station museum city country branch office store warehouse room airfield ferry"
)
"""Things that a catalogue lists and that nobody joins by signing up."""

PEOPLE = listed(
    "user member employee channel group team department role colleague staff contact participant attendee guest student customer"
)
MATTERS = listed("information info detail profile data record summary")
OWN = listed("user me my account profile personal self whoami holder owner")
SELF = listed("me my personal self whoami")
PRIVATE = listed(
    """
    password passphrase credential secret token apikey passport ssn salary payroll payslip medical health diagnosis prescription tax
    """
)
"""What is for its owner's eyes."""

CHATS = listed("channel chat dm direct conversation thread room")
ENDS = listed("for of in at by from with per on to about between within near")
"""What stands behind one of these in a tool's name is where to look, not what is asked for."""
